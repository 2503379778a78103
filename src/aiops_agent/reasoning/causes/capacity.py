"""More demand than the replicas can serve."""

from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.quantity import amount
from aiops_agent.domain.telemetry import ServiceKind, Signal
from aiops_agent.reasoning.causes.expectations import (
    hurts_itself,
    nothing_changed,
    steady_memory,
    together_or_before,
    warm_caches,
    works_more,
)
from aiops_agent.reasoning.mine import OVERLOAD
from aiops_agent.reasoning.suspect import Investigation, Prediction, Suspicion, expect, fact

FULL = 0.85  # share in use: queues grow without bound from about here


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every hurting service that is asked for more than before."""
    for name in case.hurting:
        if case.kind(name) is ServiceKind.EXTERNAL or case.own[name] == 0.0:
            continue
        yield Suspicion(
            kind=CauseKind.CAPACITY,
            service=name,
            statement=_statement(case, name),
            predictions=tuple(_predictions(case, name)),
        )


def _statement(case: Investigation, name: str) -> str:
    asked = case.shift(name, Signal.TRAFFIC)
    if asked is None or not case.traffic_rose(name):
        return f"{name} gets more requests than its replicas can serve"
    now, before = (
        amount(Signal.TRAFFIC, max(asked.now, asked.latest)),
        amount(Signal.TRAFFIC, asked.before),
    )
    return f"{name} is asked {now} instead of {before}: more than its replicas can serve"


def _predictions(case: Investigation, name: str) -> Iterator[Prediction]:
    traffic, used = case.shift(name, Signal.TRAFFIC), case.shift(name, Signal.SATURATION)
    rose = case.traffic_rose(name)
    yield expect(
        f"{name} gets more requests than before",
        rose,
        fact(Signal.TRAFFIC, name),
        weight=3.0,
        against=rose is False,
    )
    yield expect(
        f"{name} is full",
        None if used is None else used.worst >= FULL,
        fact(Signal.SATURATION, name),
        weight=2.0,
        # What is measured may not be what runs out (workers, locks): only idleness contradicts.
        against=used is not None and used.worst < 0.65 and not works_more(case, name),
    )
    work = case.work(name)
    yield expect(
        "one request costs as much as before",
        # Up to 1.3 the cost is noise and a fuller cache line; from 1.8 on the work itself changed.
        None if work is None else work <= 1.3,
        fact(Signal.SATURATION, name),
        fact(Signal.TRAFFIC, name),
        against=work is not None and work > 1.8,
    )
    yield expect(
        "requests rose no later than the pain",
        together_or_before(case, Signal.TRAFFIC, name) if traffic is not None else None,
        fact(Signal.TRAFFIC, name),
    )
    yield hurts_itself(case, name)
    yield nothing_changed(case, name)
    yield steady_memory(case, name)
    yield warm_caches(case, name)
    if lines := case.log(name, OVERLOAD):
        yield expect(f"{name} writes of being full", True, *lines, weight=0.5)
