"""Checkpoints of ended stories and handled bodies leave the store; what goes on loses nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.bootstrap.application import Application
from aiops_agent.domain.event import LOOKS, Event
from aiops_agent.domain.incident import Incident, Status
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.settings.store import StoreKeep
from aiops_agent.workflow.pruning import Pruning
from tests import seams
from tests.stories.conftest import Stage, yes

AT_ONCE = StoreKeep(checkpoints=timedelta(microseconds=1), bodies=timedelta(microseconds=1))
AHEAD = timedelta(days=-10_000)  # as if so much later: a shop has a clock of its own
GONE = ("workflow_status", "workflow_input", "workflow_output", "operation_outputs", "inbox")
KEPT = ("incidents", "events")
WHERE = {"sqlite": "", "postgresql": "dbos."}


def rows(stage: Stage) -> dict[str, int]:
    """Return how many rows tell of checkpoints and of bodies."""
    database = make_engine(stage.store_url)
    where = WHERE[database.dialect.name]
    tables = ("workflow_status", "operation_outputs", "workflow_output", "workflow_input")
    with database.connect() as connection:
        counts = {
            name: connection.execute(sa.text(f"SELECT count(*) FROM {place}{name}")).scalar_one()
            for place, names in ((where, tables), ("", ("inbox", "incidents", "events")))
            for name in names
        }
    database.dispose()
    return counts


async def pruned(
    built: Application, keep: StoreKeep = AT_ONCE, events: timedelta = AT_ONCE.events
) -> int:
    return await Pruning(built._deps, keep.checkpoints, keep.bodies, events).look()


@asynccontextmanager
async def until(
    stage: Stage, scenario: str, seen: EventType
) -> AsyncIterator[tuple[Application, Event, AsyncIterator[Event]]]:
    """Play until an event; yield the application, the event and those that follow."""
    async with stage._engine({}) as (built, engine):
        (opened,) = await engine.intake(built.demo.begin(scenario, 3, remember=False))
        events = engine.follow(opened)
        async for event in events:
            if event.type is seen:
                yield built, event, events
                return


def test_what_has_ended_leaves_its_records_and_no_checkpoints(stage: Stage) -> None:
    async def counted() -> tuple[dict[str, int], dict[str, int]]:
        async with until(stage, "false-alarm", EventType.INCIDENT_DISMISSED) as (built, _, events):
            async for _ in events:
                pass
            before = rows(stage)
            assert await pruned(built, StoreKeep()) == 0, "not yet"
            assert await pruned(built) == 2  # its story, and the body of its alert
            return before, rows(stage)

    before, after = asyncio.run(counted())
    assert {name: after[name] for name in GONE} == dict.fromkeys(GONE, 0)
    assert min(before[name] for name in GONE) > 0
    assert [after[name] for name in KEPT] == [before[name] for name in KEPT]


def test_a_story_that_waits_loses_nothing_and_goes_on(stage: Stage) -> None:
    async def ended() -> Status:
        asked = EventType.APPROVAL_PENDING
        async with until(stage, "traffic-surge", asked) as (built, event, events):
            before = rows(stage)
            assert await pruned(built) == 1  # the body alone
            assert rows(stage)["operation_outputs"] >= before["operation_outputs"] > 0
            await asyncio.to_thread(yes, built, event)
            last = [one async for one in events][-1]
            return built.queries.incident(str(last.incident)).status

    assert asyncio.run(ended()) is Status.RESOLVED


@pytest.mark.parametrize("planted", [False, True])
def test_of_an_old_incident_what_was_done_stays_and_single_looks_go(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, planted: bool
) -> None:
    if planted:
        seams.CONDENSED.plant(monkeypatch, lambda _self: None)

    async def lived() -> tuple[list[Event], list[Event], Incident, Postmortem]:
        asked = EventType.APPROVAL_PENDING
        async with until(stage, "traffic-surge", asked) as (built, event, events):
            await asyncio.to_thread(yes, built, event)
            async for _ in events:
                pass
            name = str(event.incident)
            report = built.queries.report(name)
            await pruned(built)
            before = list(built.queries.history(name))
            assert not built.queries.incident(name).condensed, "not yet"
            assert await pruned(built, events=AHEAD) == 1
            assert await pruned(built, events=AHEAD) == 0, "once"
            assert built.queries.report(name) == report
            return before, list(built.queries.history(name)), built.queries.incident(name), report

    before, after, incident, report = asyncio.run(lived())
    done = [one for one in before if one.type not in (*LOOKS, EventType.DIAGNOSIS_READY)]
    done = [one for one in done if one.type is not EventType.VERIFICATION_DONE]
    assert (len(done) > 8, set(map(repr, done)) <= set(map(repr, after))) == (True, not planted)
    if planted:
        return
    assert [one.id for one in after] == [one.id for one in before if one.type not in LOOKS]
    assert incident.condensed
    assert incident.diagnosis is not None
    assert incident.diagnosis.best is not None
    assert [one.trend for one in incident.diagnosis.findings] == [()] * len(
        incident.diagnosis.findings
    )
    assert "▁" in report.markdown, "the report keeps the courses"


@pytest.mark.parametrize("planted", [False, True])
def test_why_a_story_died_is_kept_while_its_incident_is_open(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, planted: bool
) -> None:
    if planted:
        seams.OVER.plant(monkeypatch, lambda _self, stories: list(stories))

    async def left() -> int:
        async with until(stage, "traffic-surge", EventType.APPROVAL_PENDING) as (built, _, _):
            database = make_engine(stage.store_url)
            with database.begin() as connection:
                table = f"{WHERE[connection.dialect.name]}workflow_status"
                died = "SET status = 'ERROR', completed_at = 1 WHERE status = 'PENDING'"
                connection.execute(sa.text(f"UPDATE {table} {died}"))
            database.dispose()
            await pruned(built)
            # Not its checkpoints: the story still runs, and the step that asked may end only now.
            return rows(stage)["workflow_status"]

    assert (asyncio.run(left()) > 0) is not planted
