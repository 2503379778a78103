"""Capacity is used up although nobody asks for more and nothing was released.

A neighbour on the machine, a job inside, a loop: what uses it up is not seen from outside.
"""

from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import ChangeKind, ServiceKind, ServiceName, Signal
from aiops_agent.reasoning.causes import expectations
from aiops_agent.reasoning.measure import Shift
from aiops_agent.reasoning.suspect import Investigation, Prediction, Suspicion, expect, fact

BUSY = 0.75  # share in use: below it nothing waits for capacity
NEAR_LIMIT, GROWN = 0.8, 0.1  # shares of the memory limit: in use, and more of it than at first
OWN = 0.25  # share of the pain that is its own, at the least
MORE = 1.5  # times as much of it as before


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every hurting service of ours that became busy by itself."""
    for name in case.hurting:
        used = case.shift(name, Signal.SATURATION)
        busy = used is not None and used.up and used.worst >= max(BUSY, MORE * used.before)
        asked = case.traffic_rose(name) is not False or _full_memory(case, name)
        outside = case.kind(name) is ServiceKind.EXTERNAL
        if used is None or not busy or asked or outside or case.own[name] < OWN:
            continue
        told = f"{name} uses up its capacity though it is asked no more than before"
        predictions = tuple(_predictions(case, name, used))
        yield Suspicion(CauseKind.CONTENTION, name, told, predictions)


def _full_memory(case: Investigation, name: str) -> bool:
    """Whether its memory filled up: to look for what is free takes capacity too."""
    memory = case.scene.tracks.get((ServiceName(name), Signal.MEMORY))
    if memory is None:
        return False
    peak = float(memory.values.max())
    return peak >= NEAR_LIMIT and peak - float(memory.values[0]) >= GROWN


def _predictions(case: Investigation, name: ServiceName, used: Shift) -> Iterator[Prediction]:
    shown = fact(Signal.SATURATION, name)
    yield expect(f"{name} uses far more of its capacity", True, shown, weight=3.0, sign=True)
    yield expectations.same_traffic(case, name)
    work = case.work(name)
    more = None if work is None else work >= MORE
    yield expect("one request takes more than before", more, shown, weight=1.5)
    early = expectations.together_or_before(used, case.onset(name))
    yield expect("it rose no later than the pain", early, shown)
    yield expectations.hurts_itself(case, name)
    # Who asks a store decides what one request costs it.
    known = bool(case.scene.graph.calls)
    users = case.scene.graph.callers(name) if known else case.scene.names
    kinds = (ChangeKind.RELEASE, ChangeKind.CONFIG)
    changed = any(any(case.changes(user, kinds)) for user in (name, *users))
    unknown = case.scene.lacks("changes")
    claim = f"no change of {name} or of who asks it just before"
    calm = None if unknown and not changed else not changed
    yield expect(claim, calm, weight=2.0, against=changed)
    yield expectations.steady_memory(case, name)
    yield expectations.warm_caches(case, name)
