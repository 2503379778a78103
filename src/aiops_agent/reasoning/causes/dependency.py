"""A service outside our reach fails."""

from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import ServiceKind, Signal
from aiops_agent.reasoning.causes import expectations
from aiops_agent.reasoning.mine import UPSTREAM
from aiops_agent.reasoning.suspect import Investigation, Prediction, Suspicion, expect, to_blame

HIDDEN = 0.1  # of its usual requests: so few tell nothing of a service


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every external service that is slow or fails, or is hidden by who hangs."""
    for name in case.scene.names:
        if case.kind(name) is not ServiceKind.EXTERNAL:
            continue
        told = f"{name}, which is not ours, is slow or fails"
        if name not in case.hurting:
            if not _hidden(case, name):
                continue
            told = f"hardly anybody asks {name} any more: whether it answers is not seen"
        yield Suspicion(CauseKind.DEPENDENCY, name, told, tuple(_predictions(case, name)))


def _hidden(case: Investigation, name: str) -> bool:
    """Whether callers that suffer ask it no more: who waits for it for ever would do the same."""
    asked = case.shift(name, Signal.TRAFFIC)
    callers = case.scene.graph.callers(name)
    suffering = any(case.scene.pain(caller) for caller in callers)
    return suffering and asked is not None and asked.down and asked.latest <= HIDDEN * asked.before


def _predictions(case: Investigation, name: str) -> Iterator[Prediction]:
    callers = case.scene.graph.callers(name)
    pain = expectations.pain_facts(case, name)
    yield expect(f"{name} is slow or fails", bool(pain), *pain, weight=3.0, sign=True)
    suffering = [caller for caller in callers if case.scene.pain(caller)]
    blamed = [caller for caller in suffering if to_blame(case.scene, caller) == name]
    theirs = [f for caller in suffering for f in expectations.pain_facts(case, caller)[:1]]
    claim, seen = "its callers suffer with it and from nothing else", bool(blamed)
    yield expect(claim, seen if callers else None, *theirs, weight=2.0)
    yield expectations.same_traffic(case, name)
    first = min((case.onset(caller) for caller in suffering), default=case.scene.began)
    # Three scrapes of 15 s: whoever hurts first is seen within them.
    early = case.onset(name) <= first + 45.0
    yield expect("it began no later than its callers' pain", early, *pain[:1])
    for caller in suffering[:2]:
        yield expectations.nothing_changed(case, caller)
    lines = tuple(line for caller in callers for line in case.log(caller, UPSTREAM))
    yield expectations.written(case, "its callers write of failing calls", lines)
