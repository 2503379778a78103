"""Does a signal measure the very series that an alert measures? Then it may contradict it."""

from aiops_agent.domain.labels import SCRAPED, THINGS
from aiops_agent.domain.meaning import AlertClaim
from aiops_agent.domain.telemetry import Signal
from aiops_agent.reading.expression import AlertExpression, Measured, read_expression

# The signals that tell of a claim, where they are read from what the alert looks at. A share of
# failures is not among them: which failures are meant is a matter of its own.
ALIKE: dict[AlertClaim, tuple[Signal, ...]] = {
    AlertClaim.LATENCY: (Signal.LATENCY,),
    AlertClaim.SATURATION: (Signal.SATURATION, Signal.POOL),
    AlertClaim.MEMORY: (Signal.MEMORY,),
    AlertClaim.QUEUE: (Signal.QUEUE,),
    AlertClaim.AVAILABILITY: (Signal.REPLICAS,),
    AlertClaim.OTHER: (Signal.CACHE_HITS,),
}
_WHOSE = frozenset({*THINGS, *SCRAPED, "namespace", "cluster", "name", "environment", "env"})


def measures_the_same(expression: str, query: str) -> bool:
    """Whether a signal's query reads all that an alert's expression measures, chosen no wider."""
    alert, signal = read_expression(expression), read_expression(query)
    if alert is None or signal is None or not alert.measured:
        return False
    if not _as_high(alert, signal):
        return False
    return all(any(_covers(own, one) for own in signal.series) for one in alert.measured)


def _as_high(alert: AlertExpression, signal: AlertExpression) -> bool:
    """Whether a quantile is no higher than the signal's; a mean and a quantile do not compare."""
    if alert.quantile is None or signal.quantile is None:
        return alert.quantile is None and signal.quantile is None
    return alert.quantile <= signal.quantile


def _covers(own: Measured, one: Measured) -> bool:
    chosen = {(m.label, m.sign, m.value) for m in own.matchers}
    part = [m for m in one.matchers if m.sign in {"=", "=~"} and m.label not in _WHOSE]
    return own.metric == one.metric and all((m.label, m.sign, m.value) in chosen for m in part)
