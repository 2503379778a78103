"""A workflow that died without its process is resumed, or its incident ended with a person."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.incident import Ending, Incident, Status
from aiops_agent.domain.point import Point
from aiops_agent.settings.sections import Settings
from aiops_agent.workflow.engine import GRACE_SECONDS, Engine, StalledWorkflowMonitor

_NUMBERS = count(1)
# What the durable engine raises; no part of ours does.
DISK_FULL = OperationalError("INSERT", {}, Exception("database or disk is full"))


@dataclass
class DiesOnce:
    """Kills the story at a point, the first time."""

    error: BaseException
    done: bool = False

    def __call__(self, point: Point) -> None:
        """End the story of whoever comes by first."""
        if point is Point.PLANNED and not self.done:
            self.done = True
            raise self.error


async def _until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not reached():  # noqa: ASYNC110 -- a test that looks from outside
            await asyncio.sleep(0.02)


async def _tended(built: Application, engine: Engine) -> Incident:
    shop = built.demo.begin("third-party-outage", 1, remember=False)
    (opened,) = await engine.intake(shop)
    await _until(lambda: opened in engine.story.alive or built.queries.incident(opened).ended)
    await _until(lambda: opened not in engine.story.alive)
    await asyncio.sleep(0.2)  # the durable engine writes down how it ended
    now = 0.0
    monitor = StalledWorkflowMonitor(engine.deps, engine.story, lambda: now)
    await monitor.check([opened])
    assert not built.queries.incident(opened).ended, "missed for no time is not dead"
    now = GRACE_SECONDS + 1
    await monitor.check([opened])
    await _until(lambda: built.queries.incident(opened).ended)
    return built.queries.incident(opened)


def _play(state: Path, error: BaseException) -> Incident:
    async def play() -> Incident:
        parts = Overrides(mark=DiesOnce(error), name=f"tend-{next(_NUMBERS)}")
        built = application(Settings(state_dir=state), parts)
        try:
            async with built.engine("shop") as engine:
                return await _tended(built, engine)
        finally:
            built.close()

    return asyncio.run(play())


def test_a_story_that_died_for_good_ends_with_a_person(tmp_path: Path) -> None:
    incident = _play(tmp_path, DISK_FULL)

    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.HANDED_OVER)
    assert "the agent itself failed" in incident.note


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_story_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    incident = _play(tmp_path, asyncio.CancelledError())

    assert incident.ending is Ending.HANDED_OVER
    assert "paygate" in incident.note
