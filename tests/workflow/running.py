"""One incident of the real house on the shop, with something that happens to it at a point."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.agents.crew import Crew
from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.approval import ApprovalRequest, Surface
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.point import Point
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.ports.model import Reasoner
from aiops_agent.safety.execute import Executor
from aiops_agent.settings.sections import Settings
from aiops_agent.simulator.journal import Operation, effects
from aiops_agent.workflow.engine import Engine

_NUMBERS = count(1)  # the durable engine knows each story by a name of its own
LIVED: list["Run"] = []  # those that came to their end since somebody looked


@dataclass
class Run:
    """What to do when (`at`: once per point, `when`: once per kind of event), and what came of it.

    `ahead` moves the wall clock; nothing of it passes by itself.
    """

    folder: Path
    scenario: str = "traffic-surge"
    mode: Mode = Mode.PROPOSE
    crew: Crew | None = None
    reasoner: Reasoner | None = None
    executor: Callable[[Executor], Executor] = lambda right: right
    per_service: str = "3/h"  # policy.limits
    store: str = ""  # an address other than the folder's own SQLite file
    at: dict[Point, Callable[["Run"], None]] = field(default_factory=dict)
    when: dict[EventType, Callable[["Run"], None]] = field(default_factory=dict)
    ahead: timedelta = timedelta()
    events: list[Event] = field(default_factory=list)
    passed: list[Point] = field(default_factory=list)

    def go(self) -> Incident:
        """Live the incident to its end."""
        name = f"run-{next(_NUMBERS)}"
        parts = Overrides(
            name=name,
            crew=self.crew,
            reasoner=self.reasoner,
            executor=self.executor,
            now=self.now,
            mark=self._mark,
        )
        policy = {"limits": {"per_service": self.per_service}}
        given: dict[str, Any] = {"state_dir": self.folder, "mode": self.mode, "policy": policy}
        if self.store:
            given["store"] = {"url": self.store}
        self.house = application(Settings.model_validate(given), parts)
        try:
            asyncio.run(self._live(self.house))
            LIVED.append(self)
            self.end = self.house.queries.incident(self.name)
            return self.end
        finally:
            self.house.close()

    def now(self) -> datetime:
        """Return the wall time that the house sees."""
        return datetime.now(UTC) + self.ahead

    def answer(self, *, approve: bool = True) -> None:
        """Answer as a person."""
        self.house.commands.decide(
            self.name,
            approve=approve,
            by="alex",
            surface=Surface.COMMAND,
            plan=self.house.queries.approval(self.name).digest,
            reason="I say so",
        )

    def pass_time(self, **length: float) -> None:
        """Let wall time pass, and wake the story as its own timer would."""
        self.ahead += timedelta(**length)
        with self.house.store.begin() as work:
            work.wake(self.name, f"time:{self.ahead}")

    @property
    def request(self) -> ApprovalRequest:
        """The newest question."""
        return self.house.queries.approval(self.name)

    @property
    def report(self) -> Postmortem:
        """The written report."""
        return self.house.queries.report(self.name)

    @property
    def effects(self) -> tuple[Operation, ...]:
        """What really happened to the shop."""
        return effects(next((self.folder / "shops").iterdir()))

    @property
    def steps(self) -> list[str]:
        """The names of the checkpoints of the incident's workflow, in order."""
        query = (
            "SELECT function_name FROM operation_outputs "
            "WHERE workflow_uuid = :name ORDER BY function_id"
        )
        return [row[0] for row in self._rows(query)]

    @property
    def result(self) -> str:
        """What the incident's workflow returned, as the durable engine keeps it."""
        ((kept,),) = self._rows("SELECT output FROM workflow_output WHERE workflow_uuid = :name")
        return str(kept)

    def _rows(self, query: str) -> list[Any]:
        engine = make_engine(f"sqlite:///{self.folder}/aiops.db")
        with engine.connect() as connection:
            return list(connection.execute(sa.text(query), {"name": self.name}))

    def told(self, kind: EventType) -> list[str]:
        """Return what was said of that kind."""
        return [event.message for event in self.events if event.type is kind]

    async def _live(self, built: Application) -> None:
        async with built.engine("shop") as engine:
            shop = await asyncio.to_thread(built.demo.begin, self.scenario, 1, remember=False)
            self.environment = shop
            (self.name,) = await engine.intake(shop)
            while not await self._followed(engine):  # noqa: ASYNC110 -- a store
                await asyncio.sleep(0.2)

    async def _followed(self, engine: Engine) -> bool:
        """Follow the incident to its end; False when the store is away, as in an outage."""
        last = self.events[-1].id if self.events else 0
        try:
            async for event in engine.follow(self.name):
                if event.id <= last:
                    continue
                self.events.append(event)
                if event.type in self.when:
                    await asyncio.to_thread(self.when.pop(event.type), self)
        except StoreError:
            if not self.store:
                raise
            return False
        return True

    def _mark(self, point: Point) -> None:
        self.passed.append(point)
        if point in self.at:
            self.at.pop(point)(self)
