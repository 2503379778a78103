"""How bad is it, and what is noticed? By failures, slowness, lost instances, and who depends."""

from collections.abc import Sequence

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.quantity import amount
from aiops_agent.domain.telemetry import ServiceGraph, Signal
from aiops_agent.reasoning.gather import PAIN
from aiops_agent.reasoning.read_alert import Reading, State

MOST_CALLERS = 3  # that are named


def severity_of(
    service: str, graph: ServiceGraph, readings: Sequence[Reading], callers: Sequence[Reading]
) -> Severity:
    """Return how bad it is: by the share of requests that suffer, by what is left, by who calls.

    `callers` are the readings of those that depend on it.
    """
    bad = {one.signal: one for one in readings if one.state is State.BAD}
    depended = bool(graph.callers(service))
    near_users = not graph.calls or not depended
    failing = _share(bad.get(Signal.ERRORS))
    beyond = max((_share(one) for one in callers if one.signal is Signal.ERRORS), default=0.0)
    replicas = bad.get(Signal.REPLICAS)
    gone = replicas is not None and not replicas.value
    if failing >= 0.5 or beyond >= 0.5 or (failing >= 0.25 and near_users):
        return Severity.SEV1
    if (gone or Signal.TRAFFIC in bad) and depended:
        return Severity.SEV1
    hurts = failing >= 0.05 or beyond >= 0.05 or replicas is not None or Signal.TRAFFIC in bad
    return Severity.SEV2 if hurts or _very_slow(bad.get(Signal.LATENCY)) else Severity.SEV3


def _share(one: Reading | None) -> float:
    return one.value or 0.0 if one is not None and one.state is State.BAD else 0.0


def _very_slow(slow: Reading | None) -> bool:
    if slow is None:
        return False
    usual = slow.shift.before if slow.shift is not None else None
    level = slow.level or (2.0 * usual if usual else None)  # what is allowed, or twice the usual
    return bool(level and (slow.value or 0.0) / level >= 2.0)


def impact_of(
    service: str,
    graph: ServiceGraph,
    readings: Sequence[Reading],
    suffering: Sequence[tuple[str, Reading]],
) -> str:
    """Return what people notice; `suffering` are those that depend on it, with what they notice."""
    bad = [one for one in readings if one.state is State.BAD]
    felt = [one for one in bad if one.signal in PAIN] or bad[:1]
    words = [_harm(service, one) for one in felt]
    if not felt or felt[0].signal not in PAIN:  # else what its own users feel says enough
        words += [_harm(name, one) for name, one in suffering[:MOST_CALLERS]]
    named = graph.callers(service)[:MOST_CALLERS]
    if named:
        words.append(f"{', '.join(named)} {'depends' if len(named) == 1 else 'depend'} on it")
    return "; ".join(words)


def _harm(name: str, one: Reading) -> str:
    value = one.value or 0.0
    if one.signal is Signal.ERRORS:
        return f"{amount(one.signal, value)} of {name} requests fail"
    if one.signal is not Signal.LATENCY:
        return f"{name}: {one.words}"
    usual = one.shift.before if one.shift is not None else None
    beside = ""
    if one.level is not None and value > one.level:
        beside = f" (objective {amount(one.signal, one.level)})"
    elif usual is not None:
        beside = f" (usually {amount(one.signal, usual)})"
    return f"{name} p95 is {amount(one.signal, value)}{beside}"
