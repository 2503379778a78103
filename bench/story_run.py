"""A program: one incident on the shop, and empty durable steps beside it; prints JSON."""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import sqlalchemy as sa
from dbos import DBOS

from aiops_agent.bootstrap.house import House, house
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.event import EventType
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
    steps: int = 0  # recorded by that story and its children
    ending: str = ""
    _since: float = field(default_factory=time.process_time)

    def lap(self) -> float:
        """Return the CPU seconds since the last lap."""
        before, self._since = self._since, time.process_time()
        return self._since - before


@DBOS.step(name="bench.nothing")
async def nothing(number: int) -> int:
    """Do nothing, durably."""
    return number


@DBOS.workflow(name="bench.empty")
async def empty(steps: int) -> int:
    """Run the steps one after another."""
    return sum([await nothing(number) for number in range(steps)])


async def tell(built: House, engine: Engine) -> Figures:
    """Break the shop, let the story run, say yes; return what each part needed."""
    figures = Figures()
    environment = await asyncio.to_thread(built.demo.begin, SCENARIO, SEED, remember=True)
    figures.founding = figures.lap()
    [incident] = await engine.intake(environment)
    async for event in engine.follow(incident):
        if event.type is EventType.APPROVAL_PENDING:
            figures.to_plan = figures.lap()
            request = built.service.approval(incident)
            built.service.decide(
                request.id, approve=True, by="bench", surface=Surface.FLAG, digest=request.digest
            )
    figures.to_end = figures.to_plan + figures.lap()
    figures.ending = built.service.incident(incident).status.value
    return figures


async def run(folder: Path) -> Figures:
    """Measure on a new store in the folder."""
    built = house(Settings(state_dir=folder))
    async with built.engine("shop") as engine:
        first = await tell(built, engine)
        before = _recorded(folder)
        figures = await tell(built, engine)
        figures.steps, figures.to_plan = _recorded(folder) - before, first.to_plan
        await empty(EMPTY_STEPS // 10)
        figures.lap()
        await empty(EMPTY_STEPS)
        figures.empty = figures.lap() / EMPTY_STEPS
    built.close()
    return figures


def _recorded(folder: Path) -> int:
    database = sa.create_engine(Settings(state_dir=folder).store.url)
    with database.connect() as connection:
        return int(connection.scalar(sa.text("SELECT count(*) FROM operation_outputs")) or 0)


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(asyncio.wait_for(run(Path(sys.argv[1])), 120)))))
