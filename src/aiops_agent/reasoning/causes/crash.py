"""Instances end again and again, run out of memory, or are gone."""

from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import ChangeKind, ServiceKind, ServiceName, Signal
from aiops_agent.reasoning.causes import expectations
from aiops_agent.reasoning.fallen import Fall
from aiops_agent.reasoning.suspect import Investigation, Prediction, Suspicion, expect, fact

LATE = 180.0  # seconds after the pain began: who ends then suffers from it


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect everybody who fell, unless a release of the same explains it."""
    for name, fall in case.fallen.items():
        released = any(case.changes(name, (ChangeKind.RELEASE,)))
        if released or fall.frozen or case.kind(name) is ServiceKind.EXTERNAL:
            continue
        predictions = tuple(_predictions(case, ServiceName(name), fall))
        yield Suspicion(CauseKind.CRASH, ServiceName(name), fall.words, predictions)


def _predictions(case: Investigation, name: ServiceName, fall: Fall) -> Iterator[Prediction]:
    counted = case.shift(name, Signal.REPLICAS)
    left = () if counted is None else (fact(Signal.REPLICAS, name),)
    yield expect(fall.words, True, *left, weight=3.0, sign=True)
    first = case.scene.began
    early = None if fall.at is None else fall.at <= first + 45.0
    late = fall.at is not None and fall.at > first + LATE
    yield expect("it fell no later than the pain began", early, weight=2.0, against=late)
    yield expect(f"nothing of {name} is left", fall.left <= 0.0, *left)
    users = case.scene.graph.callers(name) or (case.scene.service,)
    hurt = [user for user in (name, *users) if case.scene.pain(user)]
    shown = [one for user in hurt for one in expectations.pain_facts(case, user)[:1]]
    yield expect("it or who calls it suffers", bool(hurt), *shown[:2], weight=1.5)
    yield expectations.same_traffic(case, name)
    yield expectations.nothing_changed(case, name)
