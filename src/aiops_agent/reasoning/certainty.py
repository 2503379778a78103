"""Why is a diagnosis as sure as it is, and what would settle it? In sentences, from its checks.

The level itself is reasoning/belief.py's; here its grounds are put into words, none that is true
of every incident.
"""

from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind, Certainty, Finding
from aiops_agent.domain.telemetry import GOLDEN, ServiceKind, Signal
from aiops_agent.reasoning.rank import SIGNALS, Ranked, blind_spots, grounds
from aiops_agent.reasoning.suspect import Fact, Investigation, Observed, Prediction, fact

MOST = 3  # reasons of a kind: a reader weighs no more
CLEAR = 0.15  # of a score: the lead from which the next one is no rival
MOST_OF_IT = 0.5  # of all blame: with so much of it the same service is named twice over
_METRIC = {
    Signal.LATENCY: "a latency",
    Signal.TAIL: "a high latency percentile",
    Signal.TRAFFIC: "a request rate",
    Signal.ERRORS: "an error",
    Signal.SATURATION: "a saturation",
    Signal.MEMORY: "a memory",
    Signal.POOL: "a connection pool",
    Signal.POOL_WAIT: "a pool wait",
    Signal.QUEUE: "a queue length",
    Signal.CACHE_HITS: "a cache hit",
    Signal.REPLICAS: "a replica count",
    Signal.RESTARTS: "a restart",
}
_SOURCE = {
    "topology": "who calls whom (traces, a service graph, or `calls` in aiops.yaml)",
    "logs": "the log lines of {service}",
    "changes": "whether {service} was released or reconfigured",
}


def certainty(
    case: Investigation, ranking: tuple[Ranked, ...], shown: dict[Fact, Finding]
) -> Certainty:
    """Return what raised the confidence in the first of `ranking`, what lowered it, what decides.

    `shown` are the findings by the facts that they show: a reason names them.
    """
    return Certainty(
        raised=tuple(_raised(case, ranking, shown)),
        lowered=tuple(_lowered(case, ranking, shown)),
        settle=tuple(dict.fromkeys(_settle(case, ranking)))[:MOST],
    )


def _raised(
    case: Investigation, ranking: tuple[Ranked, ...], shown: dict[Fact, Finding]
) -> Iterator[str]:
    best, rival = ranking[0], _rival(ranking)
    if best.suspicion.kind is CauseKind.UNKNOWN:
        return
    held = [one for one in _weighty(best) if one.result is Observed.HELD]
    yield from (_said(one, shown) for one in held[:MOST])
    if len(held) > MOST:
        yield f"{len(held) - MOST} more checks"
    if grounds(case, ranking).agreed >= MOST_OF_IT:
        yield f"{best.suspicion.seen_at or best.suspicion.service} changed most by itself"
    if rival is not None and best.score - rival.score >= CLEAR:
        yield f"clear lead over {_compared(best, rival)}"


def _lowered(
    case: Investigation, ranking: tuple[Ranked, ...], shown: dict[Fact, Finding]
) -> Iterator[str]:
    best, rival = ranking[0], _rival(ranking)
    unknown = best.suspicion.kind is CauseKind.UNKNOWN
    if unknown:
        yield "no known mechanism fits what is seen"
    weighty = _weighty(best)
    against = [one for one in weighty if one.result is Observed.CONTRADICTED]
    yield from (f"the opposite is seen of: {_said(one, shown)}" for one in against)
    failed = [one for one in weighty if one.result is Observed.FAILED]
    yield from (f"expected, not seen: {_said(one, shown)}" for one in failed[:MOST])
    if rival is not None and best.score - rival.score < CLEAR and not unknown:
        yield f"close runner-up: {_compared(best, rival)}"
    if not best.signs and not unknown:
        yield "nothing was seen that only this cause would show"
    first = case.blame.blamed[0].service if case.blame.blamed else ""
    if first and not unknown and first not in (best.suspicion.service, best.suspicion.seen_at):
        yield f"{first} changed more by itself"
    yield from blind_spots(case, best)


def _settle(case: Investigation, ranking: tuple[Ranked, ...]) -> Iterator[str]:
    best, rival = ranking[0], _rival(ranking)
    service = best.suspicion.service
    open_ = [one for one in _weighty(best) if one.result is Observed.UNSEEN]
    yield from _metrics(case, service, open_)
    for source, _ in case.scene.missing:
        if source in _SOURCE:
            yield _SOURCE[source].format(service=service)
    if not case.scene.missing:  # else those sources are what such checks lack
        yield from (f"whether {one.claim}" for one in open_ if not one.facts)
    known = best.suspicion.kind is not CauseKind.UNKNOWN
    if rival is not None and known and best.score - rival.score < CLEAR:
        theirs = [one for one in _weighty(rival) if one.result is Observed.UNSEEN]
        yield from (f"whether {one.claim}" for one in theirs)
        if not theirs and not open_:
            yield f"a look inside {service}: no signal tells it from {_named(rival)}"


def _metrics(case: Investigation, service: str, open_: list[Prediction]) -> Iterator[str]:
    """Yield the metrics that are missing, of checks that could not be made and golden ones."""
    wanted = [one for prediction in open_ for one in prediction.facts]
    if case.kind(service) is not ServiceKind.EXTERNAL:
        wanted += [fact(signal, service) for signal in GOLDEN]
    for kind, name in wanted:
        if kind in SIGNALS and case.shift(name, Signal(kind)) is None:
            yield f"{_METRIC[Signal(kind)]} metric for {name}"


def _weighty(one: Ranked) -> list[Prediction]:
    """Return its predictions, those of this mechanism alone first."""
    return sorted(one.suspicion.predictions, key=lambda each: (not each.sign, -each.weight))


def _said(one: Prediction, shown: dict[Fact, Finding]) -> str:
    ids = dict.fromkeys(shown[each].id for each in one.facts if each in shown)
    return f"{one.claim} ({', '.join(ids)})" if ids else one.claim


def _compared(best: Ranked, rival: Ranked) -> str:
    return f"{_named(rival)} ({rival.score:.2f} against {best.score:.2f})"


def _named(one: Ranked) -> str:
    return f"{one.suspicion.kind} of {one.suspicion.service}".replace("_", " ")


def _rival(ranking: tuple[Ranked, ...]) -> Ranked | None:
    """Return the next one that would call for something else."""
    change = ranking[0].suspicion.change
    others = (one for one in ranking[1:] if change is None or one.suspicion.change != change)
    return max(others, key=lambda one: one.score, default=None)
