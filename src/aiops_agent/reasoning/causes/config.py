"""A changed setting, such as a smaller connection pool."""

import re
from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import ChangeKind, Signal
from aiops_agent.domain.text import safe
from aiops_agent.reasoning.causes.expectations import (
    databases,
    hurts_itself,
    not_full,
    same_traffic,
    steady_memory,
    warm_caches,
    written,
)
from aiops_agent.reasoning.mine import POOL
from aiops_agent.reasoning.suspect import Investigation, Prediction, Suspicion, expect, fact

QUICK = 240.0  # seconds: a setting acts as soon as processes have read it
POOL_SETTING = re.compile(r"(?i)pool|conn")


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every changed setting shortly before its service began to hurt."""
    for name in case.scene.names:
        if not case.scene.pain(name):
            continue
        for index, change in case.changes(name, (ChangeKind.RELEASE, ChangeKind.CONFIG)):
            if not change.settings:
                continue
            settings = ", ".join(
                f"{safe(setting)} {safe(new)} (was {safe(old)})"
                for setting, (old, new) in sorted(change.settings.items())
            )
            yield Suspicion(
                kind=CauseKind.CONFIG,
                service=name,
                statement=f"{name} runs with {settings} since its last change",
                predictions=tuple(_predictions(case, index, name)),
                change=change,
            )


def _predictions(case: Investigation, index: int, name: str) -> Iterator[Prediction]:
    change = case.scene.changes[index]
    lead = case.onset(name) - change.at.timestamp()
    yield expect(
        "the setting changed just before the pain",
        lead <= QUICK,
        ("change", str(index)),
        weight=3.0,
    )
    yield hurts_itself(case, name)
    yield same_traffic(case, name)
    yield not_full(case, name, decisive=False)
    if any(POOL_SETTING.search(setting) for setting in change.settings):
        yield from _pool(case, name)
    yield steady_memory(case, name)
    yield warm_caches(case, name)


def _pool(case: Investigation, name: str) -> Iterator[Prediction]:
    """Predict a wait for connections while the databases behind it have time."""
    wait = case.shift(name, Signal.POOL_WAIT)
    waits = wait is not None and wait.up
    yield expect(
        f"{name} waits for a connection",
        None if wait is None else waits,
        fact(Signal.POOL_WAIT, name),
        fact(Signal.POOL, name),
        weight=2.0,
        against=wait is not None and not waits,
    )
    for store in databases(case, name):
        yield expect(
            f"{store} itself is as fast as before",
            not case.scene.pain(store),
            fact(Signal.LATENCY, store),
            fact(Signal.SATURATION, store),
        )
    yield written(case, f"{name} writes of waiting for connections", case.log(name, POOL))
