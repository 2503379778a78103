"""More demand than the replicas can serve."""

from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.quantity import amount
from aiops_agent.domain.telemetry import ServiceKind, Signal
from aiops_agent.reasoning.causes import expectations
from aiops_agent.reasoning.mine import OVERLOAD
from aiops_agent.reasoning.suspect import Investigation, Prediction, Suspicion, expect, fact

FULL = 0.85  # share in use: queues grow without bound from about here


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every service that hurts, or may soon, and is asked for more than before."""
    for name in case.hurting:
        own = case.own[name] != 0.0 or case.asked_more(name)
        if case.kind(name) is not ServiceKind.EXTERNAL and own:
            predictions = tuple(_predictions(case, name))
            yield Suspicion(CauseKind.CAPACITY, name, _statement(case, name), predictions)
    for name in case.scene.names:
        if name not in case.hurting and _new_demand(case, name):
            predictions = tuple(_predictions(case, name))
            yield Suspicion(CauseKind.CAPACITY, name, _statement(case, name), predictions)


def _new_demand(case: Investigation, name: str) -> bool:
    """Whether a service of ours is asked more, though nobody who calls it is."""
    # What a store is asked for, its users decide, and caches before it.
    ours = case.kind(name) is ServiceKind.APPLICATION
    callers = case.scene.graph.callers(name)
    calm = [case.asked_more(caller) is False for caller in callers]
    return ours and bool(calm) and all(calm) and bool(case.traffic_rose(name))


def _statement(case: Investigation, name: str) -> str:
    asked = case.shift(name, Signal.TRAFFIC)
    if asked is None or not case.asked_more(name):
        return f"{name} gets more requests than its replicas can serve"
    now = amount(Signal.TRAFFIC, max(asked.now, asked.latest))
    told = f"{name} is asked {now} instead of {amount(Signal.TRAFFIC, asked.before)}"
    if name not in case.hurting:
        return f"{told}, and no harm of its own is seen"
    if not case.traffic_rose(name):
        return f"{told}, which may be retries of who calls it"
    return f"{told}: more than its replicas can serve"


def _predictions(case: Investigation, name: str) -> Iterator[Prediction]:
    traffic, saturation = fact(Signal.TRAFFIC, name), fact(Signal.SATURATION, name)
    rose = case.traffic_rose(name)
    claim = f"{name} gets more requests than before"
    yield expect(claim, rose, traffic, weight=3.0, against=rose is False, sign=True)
    used = case.shift(name, Signal.SATURATION)
    full = None if used is None else used.worst >= FULL
    # What is measured may not be what runs out (workers, locks): only idleness contradicts.
    idle = used is not None and used.worst < 0.65 and not expectations.works_more(case, name)
    yield expect(f"{name} is full", full, saturation, weight=2.0, against=idle)
    work = case.work(name)
    # Up to 1.3 the cost is noise and a fuller cache line; from 1.8 on the work itself changed.
    same, other = (None, False) if work is None else (work <= 1.3, work > 1.8)
    yield expect("one request costs as much as before", same, saturation, traffic, against=other)
    early = expectations.together_or_before(case.shift(name, Signal.TRAFFIC), case.onset(name))
    yield expect("requests rose no later than the pain", early, traffic)
    yield expectations.hurts_itself(case, name)
    yield expectations.nothing_changed(case, name)
    yield expectations.steady_memory(case, name)
    yield expectations.warm_caches(case, name)
    if lines := case.log(name, OVERLOAD):
        yield expect(f"{name} writes of being full", True, *lines, weight=0.5)
