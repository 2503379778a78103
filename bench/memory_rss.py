"""Does a process grow with the incidents that it has lived through?

One incident of the shop is lived as it is; its triage, diagnosis and plan then answer for thousands
of alerts of other services, so that each is a whole story with a report, and none costs seconds.
"""

import asyncio
import gc
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from aiops_agent.agents.crew import Crew, without_llm
from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.alert import Alert, Delivery
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import IncidentId
from aiops_agent.domain.value import digest
from aiops_agent.evaluation.goals import Goal
from aiops_agent.settings.sections import Settings
from aiops_agent.workflow.engine import Engine

SCENARIO, SEED, WARM = "third-party-outage", 7, 500
REPEATED = ("triage", "diagnose", "plan")


@dataclass
class Echo:
    """Asks each question once, and gives the same answer ever after."""

    known: dict[str, Any] = field(default_factory=dict)

    def crew(self, crew: Crew) -> Crew:
        """Return the crew whose costly members answer once."""
        return replace(crew, **{name: self._once(name, getattr(crew, name)) for name in REPEATED})

    def _once(self, name: str, ask: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def answered(*given: Any) -> Any:
            if name not in self.known:
                self.known[name] = await ask(*given)
            return self.known[name]

        return answered


def goals(many: int) -> Iterator[Goal]:
    """Yield the megabytes that a process grows between 500 incidents and so many."""
    logging.disable(logging.WARNING)
    with TemporaryDirectory(prefix="aiops-rss-") as folder:
        sizes = asyncio.run(_lives(Path(folder), many))
    logging.disable(logging.NOTSET)
    print(f"rss: {sizes[0]:.0f} MB after {WARM}, {sizes[1]:.0f} MB after {many}", file=sys.stderr)
    yield Goal(f"MB: RSS({many} incidents) - RSS({WARM})", many, sizes[1] - sizes[0], "<= 10")


async def _lives(folder: Path, many: int) -> tuple[float, float]:
    built = application(Settings(state_dir=folder), Overrides(crew=Echo().crew(without_llm())))
    warm = 0.0
    async with built.engine("shop") as engine:
        shop = await asyncio.to_thread(built.demo.begin, SCENARIO, SEED, remember=True)
        lived = await _followed(engine, shop)
        (like,) = (one.shown[0] for one in map(built.queries.alerts, lived))
        for number in range(1, many):
            _alert(built, shop, like, number)
            await _followed(engine, shop)
            warm = _megabytes() if number == WARM else warm
        whole = _megabytes()
    built.close()
    return warm, whole


async def _followed(engine: Engine, shop: EnvironmentRef) -> tuple[IncidentId, ...]:
    """Take in what waits, and live it to its end."""
    opened = await engine.intake(shop)
    for incident in opened:
        async for _ in engine.follow(incident):
            pass
    return tuple(opened)


def _alert(built: Application, shop: EnvironmentRef, like: Alert, number: int) -> None:
    """Let an alert of another service come."""
    labels = {**like.labels, "alertname": f"Alert{number}", "service": f"service-{number}"}
    told = {name: getattr(like, name) for name in Alert.model_fields} | {"labels": labels}
    alert = Alert(**told)
    body = alert.model_dump_json()
    built.demo.intake.keep(
        Delivery(
            source=alert.source,
            environment=shop,
            digest=digest("bench", body),
            body=body,
            alerts=(alert,),
            received_at=built.demo.intake.now(),
        )
    )


def _megabytes() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6
