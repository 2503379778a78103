"""A program: one incident on the shop, and empty durable steps beside it; prints JSON."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOS

from aiops_agent.agents.crew import Crew, without_llm
from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.payload import EventType
from aiops_agent.settings.sections import Settings
from aiops_agent.workflow.engine import Engine

SCENARIO, SEED, EMPTY_STEPS = "traffic-surge", 7, 200


@dataclass
class Figures:
    """CPU seconds, but for the wall seconds and the count."""

    founding: float = 0.0  # making the shop and letting it break: the world's cost, not ours
    to_plan: float = 0.0  # from the alert in the inbox to the plan that waits
    to_end: float = 0.0  # from the alert to the incident's end, in a process that has done it once
    empty: float = 0.0  # for one empty step
    thinking: float = 0.0  # of it, what the agents themselves needed
    steps: int = 0  # recorded by that story and its children
    stories: int = 0  # workflows: the story and its children; each is recorded when it begins
    ending: str = ""
    _since: float = field(default_factory=time.process_time)

    def lap(self) -> float:
        """Return the CPU seconds since the last lap."""
        before, self._since = self._since, time.process_time()
        return self._since - before


@dataclass
class Mind:
    """Adds up the CPU seconds that pass while an agent answers."""

    seconds: float = 0.0

    def measured(self, crew: Crew) -> Crew:
        """Return the same crew with a stop-watch on each of its members."""
        parts = {part.name: getattr(crew, part.name) for part in fields(crew)}
        return Crew(**{name: ask and self._timed(ask) for name, ask in parts.items()})

    def _timed(self, ask: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def answered(*given: Any) -> Any:
            since = time.process_time()
            try:
                return await ask(*given)
            finally:
                self.seconds += time.process_time() - since

        return answered


@DBOS.step(name="bench.nothing")
async def nothing(number: int) -> int:
    """Do nothing, durably."""
    return number


@DBOS.workflow(name="bench.empty")
async def empty(steps: int) -> int:
    """Run the steps one after another."""
    return sum([await nothing(number) for number in range(steps)])


async def tell(built: Application, engine: Engine) -> Figures:
    """Break the shop, let the story run, say yes; return what each part needed."""
    figures = Figures()
    environment = await asyncio.to_thread(built.demo.begin, SCENARIO, SEED, remember=True)
    figures.founding = figures.lap()
    [incident] = await engine.intake(environment)
    async for event in engine.follow(incident):
        if event.type is EventType.APPROVAL_PENDING:
            figures.to_plan = figures.lap()
            request = built.queries.approval(incident)
            built.commands.decide(
                request.id, approve=True, by="bench", surface=Surface.FLAG, plan=request.digest
            )
    figures.to_end = figures.to_plan + figures.lap()
    figures.ending = built.queries.incident(incident).status.value
    return figures


async def run(folder: Path) -> Figures:
    """Measure on a new store in the folder."""
    mind = Mind()
    built = application(Settings(state_dir=folder), Overrides(crew=mind.measured(without_llm())))
    async with built.engine("shop") as engine:
        first = await tell(built, engine)
        before, thought = _recorded(folder), mind.seconds
        figures = await tell(built, engine)
        figures.thinking, figures.to_plan = mind.seconds - thought, first.to_plan
        figures.steps, figures.stories = (
            now - then for now, then in zip(_recorded(folder), before, strict=True)
        )
        await empty(EMPTY_STEPS // 10)
        figures.lap()
        await empty(EMPTY_STEPS)
        figures.empty = figures.lap() / EMPTY_STEPS
    built.close()
    return figures


def _recorded(folder: Path) -> list[int]:
    database = sa.create_engine(Settings(state_dir=folder).store.url)
    with database.connect() as connection:
        return [
            int(connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)
            for table in ("operation_outputs", "workflow_status")
        ]


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(asyncio.wait_for(run(Path(sys.argv[1])), 120)))))
