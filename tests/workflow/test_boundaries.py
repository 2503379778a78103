"""What may happen between two steps of the story: time, people, and somebody else's hands."""

import asyncio
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.agents.crew import Crew, without_llm
from aiops_agent.bootstrap.application import Overrides, application
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.errors import BusyError
from aiops_agent.domain.incident import Ending, Status
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.point import Point
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.remediation import Action, ActionKind
from aiops_agent.settings.sections import Settings
from aiops_agent.settings.store import StoreSettings
from tests.workflow.running import Run

pytestmark = pytest.mark.usefixtures("read_as_kept")

PENDING, REMINDER = EventType.APPROVAL_PENDING, EventType.APPROVAL_REMINDER

slow = partial(pytest.param, marks=pytest.mark.slow)


def yes(run: Run) -> None:
    run.answer()


def takes_over(run: Run) -> None:
    run.house.commands.take_over(run.name, "alex", "mine")


def somebody_restarts(run: Run) -> None:
    """Restart the target of the plan with other hands than ours."""
    platform = run.house.places.platform(run.environment)
    target = run.request.prepared.steps[0].action.target
    restart = Action(kind=ActionKind("restart_service"), target=target)

    async def do() -> None:
        (request,) = (await platform.prepare(restart, "SOMEBODY")).requests
        await platform.send(request)

    asyncio.run(do())


def test_nobody_answers_so_there_is_one_reminder_and_then_nothing_is_run(tmp_path: Path) -> None:
    later = {
        PENDING: lambda run: run.pass_time(minutes=8),
        REMINDER: lambda run: run.pass_time(minutes=8),
    }
    run = Run(tmp_path, when=later)
    incident = run.go()
    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.EXPIRED)
    assert len(run.told(REMINDER)) == 1
    assert run.effects == ()


def test_no_is_no(tmp_path: Path) -> None:
    run = Run(tmp_path, when={PENDING: lambda run: run.answer(approve=False)})
    incident = run.go()
    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.REJECTED)
    assert "rejected by a person" in incident.note  # who it was stands in the decision
    assert run.request.decision is not None
    assert run.request.decision.by == "alex"
    assert run.effects == ()


def test_a_yes_that_was_not_used_in_time_is_void(tmp_path: Path) -> None:
    late = {Point.RECHECKED: lambda run: run.pass_time(minutes=11)}
    run = Run(tmp_path, when={PENDING: yes}, at=late)
    incident = run.go()
    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.EXPIRED)
    assert run.request.state is ApprovalState.WITHDRAWN
    assert "not used in time" in incident.note
    assert run.effects == ()


@pytest.mark.parametrize(
    "point", [slow(Point.TRIAGED), Point.ASKED, slow(Point.DECIDED), Point.RECHECKED]
)
def test_a_person_who_takes_over_before_the_send_stops_it(tmp_path: Path, point: Point) -> None:
    run = Run(tmp_path, when={PENDING: yes}, at={point: takes_over})
    if point is Point.ASKED:
        del run.when[PENDING]
    incident = run.go()
    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.TAKEN_OVER)
    assert run.effects == ()


def test_a_target_that_somebody_changed_is_looked_at_anew_and_asked_for_again(
    tmp_path: Path,
) -> None:
    def changed_then_yes(run: Run) -> None:
        somebody_restarts(run)
        run.when[PENDING] = yes
        yes(run)

    run = Run(tmp_path, when={PENDING: changed_then_yes})
    run.go()
    ids = [operation.id for operation in run.effects]
    assert ids[0] == "SOMEBODY.1"
    assert f"{run.name}.1.1.1" not in ids, "the plan for the old target was not run"
    assert "target changed" in run.told(EventType.APPROVAL_ENDED)[0]


def test_in_mode_observe_nobody_is_asked_and_nothing_is_run(tmp_path: Path) -> None:
    run = Run(tmp_path, mode=Mode.OBSERVE)
    incident = run.go()
    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.DENIED)
    assert run.told(PENDING) == []
    assert run.effects == ()


def test_in_mode_act_a_small_reversible_thing_is_done_and_signed_by_its_rule(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path, mode=Mode.ACT, when={PENDING: yes})
    incident = run.go()
    assert incident.status is Status.RESOLVED
    decision = run.request.decision
    assert decision is not None
    if not run.told(PENDING):
        assert decision.by == "rule small-and-reversible"
    assert len(run.effects) == 1


@pytest.mark.parametrize(
    ("agent", "error"),
    [
        slow("triage", KeyError("a")),
        ("diagnose", ZeroDivisionError("float division")),
        slow("plan", AttributeError("no such thing")),
        slow("critique", ValueError("not a number")),
        ("verify", OSError("disk")),
    ],
)
def test_an_agent_that_breaks_ends_the_incident_with_a_person(
    tmp_path: Path, agent: str, error: Exception
) -> None:
    run = Run(tmp_path, crew=broken(agent, error), when={PENDING: yes})
    incident = run.go()
    assert incident.status is Status.ESCALATED
    assert type(error).__name__ in incident.note
    assert run.told(EventType.REPORT_WRITTEN)


def test_a_report_that_breaks_holds_up_no_end(tmp_path: Path) -> None:
    run = Run(tmp_path, crew=broken("report", KeyError("a")), when={PENDING: yes})
    assert run.go().status is Status.RESOLVED
    assert run.told(EventType.REPORT_WRITTEN) == ["no report: KeyError: 'a'; kept in memory"]


def broken(agent: str, error: Exception) -> Crew:
    async def breaks(*_: object) -> None:
        raise error

    part: dict[str, Any] = {agent: breaks}
    return replace(without_llm(), **part)


def test_a_second_engine_on_the_same_store_is_refused_whatever_state_folder_it_has(
    tmp_path: Path, store_url: str
) -> None:
    store = StoreSettings(url=store_url)
    built, other = (
        application(
            Settings(state_dir=tmp_path / name, store=store),
            Overrides(name=f"{name}-{hash(store_url)}"),
        )
        for name in ("first-of-two", "second-of-two")
    )
    who = rf"(Process |-){os.getpid()}\S* already runs `aiops demo` on this store"

    async def both() -> None:
        async with built.engine("shop"):
            with pytest.raises(BusyError, match=who):
                await other.engine("shop").__aenter__()
            leader = other.records.leader("shop")
            assert leader is not None
            assert str(os.getpid()) in leader.owner

    asyncio.run(both())
    assert other.records.leader("shop") is None
    built.close()
    other.close()
