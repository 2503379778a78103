"""A house on a shop, and a person who answers in it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.payload import ApprovalPending, EventType
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.settings.sections import Settings
from aiops_agent.settings.store import StoreSettings
from aiops_agent.simulator.journal import Operation, effects
from aiops_agent.workflow.engine import Engine
from tests.contracts.payloads import carried

_NUMBERS = count(1)
Answer: TypeAlias = Callable[[Application, Event], Any]


def yes(built: Application, event: Event) -> None:
    """Approve what waits."""
    asked = carried(event, ApprovalPending)
    built.commands.decide(
        asked.approval, approve=True, by="pat", surface=Surface.COMMAND, plan=asked.digest
    )


def no(built: Application, event: Event) -> None:
    """Reject what waits."""
    asked = carried(event, ApprovalPending)
    built.commands.decide(
        asked.approval,
        approve=False,
        by="pat",
        surface=Surface.COMMAND,
        plan=asked.digest,
        reason="not now",
    )


@dataclass
class Told:
    """An ended incident, what happened, and what was done to the shop."""

    incident: Incident
    events: list[Event] = field(default_factory=list)
    effects: tuple[Operation, ...] = ()

    @property
    def types(self) -> list[EventType]:
        """The types of the events, in order."""
        return [event.type for event in self.events]


@dataclass(frozen=True)
class Stage:
    """Plays one incident from its alert to its end."""

    state: Path
    store_url: str

    async def play(
        self,
        scenario: str,
        answer: Answer = yes,
        *,
        seed: int = 3,
        memory: tuple[PastIncident, ...] = (),
        **settings: Any,
    ) -> Told:
        """Break the shop, answer when asked, and return what came of it."""
        return await asyncio.to_thread(
            asyncio.run, self._play(scenario, answer, seed, memory, settings)
        )

    async def _play(
        self,
        scenario: str,
        answer: Answer,
        seed: int,
        memory: tuple[PastIncident, ...],
        settings: dict[str, Any],
    ) -> Told:
        async with self._engine(settings) as (built, engine):
            for past in memory:
                built.memory.remember(past, None)
            shop = built.demo.begin(scenario, seed, remember=False)
            (opened,) = await engine.intake(shop)
            return await self._followed(built, engine, opened, answer)

    async def _followed(
        self, built: Application, engine: Engine, opened: IncidentId, answer: Answer
    ) -> Told:
        events: list[Event] = []
        async for event in engine.follow(opened):
            events.append(event)
            if event.type is EventType.APPROVAL_PENDING:
                await asyncio.to_thread(answer, built, event)
        incident = built.queries.incident(opened)
        folder = self.state / "shops" / incident.environment.name
        return Told(incident, events, effects(folder))

    @asynccontextmanager
    async def _engine(self, settings: dict[str, Any]) -> AsyncIterator[tuple[Application, Engine]]:
        name = f"story-{next(_NUMBERS)}"
        store = StoreSettings(url=self.store_url)
        chosen = Settings(state_dir=self.state, store=store, **settings)
        built = application(chosen, Overrides(name=name))
        try:
            async with built.engine("shop") as engine:
                yield built, engine
        finally:
            built.close()


@pytest.fixture
def stage(tmp_path: Path, store_url: str) -> Stage:
    """A stage with a state folder and a store of its own."""
    return Stage(tmp_path, store_url)
