"""A changed setting, such as a smaller connection pool."""

import re
from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import ChangeKind, Signal
from aiops_agent.domain.text import safe
from aiops_agent.reasoning.causes import expectations
from aiops_agent.reasoning.mine import POOL
from aiops_agent.reasoning.suspect import Investigation, Prediction, Suspicion, expect, fact

QUICK = 240.0  # seconds: a setting acts as soon as processes have read it
POOL_SETTING = re.compile(r"(?i)pool|conn")


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every changed setting shortly before its service began to hurt."""
    for name in case.scene.names:
        for index, change in case.recent_changes(name, (ChangeKind.RELEASE, ChangeKind.CONFIG)):
            fresh = case.scene.began - change.at.timestamp() <= QUICK
            # So fresh a setting may do harm that is not seen yet.
            if not change.settings or not (fresh or case.scene.pain(name)):
                continue
            settings = ", ".join(
                f"{safe(setting)} {safe(new)} (was {safe(old)})"
                for setting, (old, new) in sorted(change.settings.items())
            )
            told = f"{name} runs with {settings} since its last change"
            predictions = tuple(_predictions(case, index, name))
            yield Suspicion(CauseKind.CONFIG, name, told, predictions, change)


def _predictions(case: Investigation, index: int, name: str) -> Iterator[Prediction]:
    change = case.scene.changes[index]
    quick, late = case.onset(name) - change.at.timestamp() <= QUICK, case.late(change)
    claim = "the setting changed just before the pain"
    yield expect(claim, quick, ("change", str(index)), weight=3.0, against=late, sign=True)
    yield expectations.hurts_itself(case, name)
    yield expectations.same_traffic(case, name)
    yield expectations.not_full(case, name, decisive=False)
    if any(POOL_SETTING.search(setting) for setting in change.settings):
        yield from _pool(case, name)
    yield expectations.steady_memory(case, name)
    yield expectations.warm_caches(case, name)


def _pool(case: Investigation, name: str) -> Iterator[Prediction]:
    """Predict a wait for connections while the databases behind it have time."""
    wait = case.shift(name, Signal.POOL_WAIT)
    waits = None if wait is None else wait.up
    shown = (fact(Signal.POOL_WAIT, name), fact(Signal.POOL, name))
    claim = f"{name} waits for a connection"
    yield expect(claim, waits, *shown, weight=2.0, against=waits is False, sign=True)
    for store in expectations.databases(case, name):
        shown = (fact(Signal.LATENCY, store), fact(Signal.SATURATION, store))
        yield expect(f"{store} itself is as fast as before", not case.scene.pain(store), *shown)
    claim = f"{name} writes of waiting for connections"
    yield expectations.written(case, claim, case.log(name, POOL))
