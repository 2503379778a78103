"""What happened between the yes and the first send, told as the story of an incident."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from aiops_agent.bootstrap.application import Overrides, application
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.incident import Ending, Status
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Action, ActionKind
from aiops_agent.safety.execute import Executor
from aiops_agent.settings.sections import Settings
from aiops_agent.workflow import hold
from tests.safety.plans import an_incident
from tests.workflow.running import Run

pytestmark = pytest.mark.usefixtures("read_as_kept")

PENDING, ENDED = EventType.APPROVAL_PENDING, EventType.APPROVAL_ENDED
HELD, FINISHED = EventType.ACTION_HELD, EventType.ACTION_FINISHED


def yes_twice(run: Run) -> None:
    """Say yes to this question and to the next one."""
    run.when[PENDING] = lambda run: run.answer()
    run.answer()


def always_yes(run: Run) -> None:
    """Say yes to this question and to every later one."""
    run.when[PENDING] = always_yes
    run.answer()


def somebody_restarts(run: Run) -> None:
    """Restart the target of the plan with other hands than ours."""
    platform = run.house.places.platform(run.environment)
    target = run.request.prepared.steps[0].action.target
    restart = Action(kind=ActionKind("restart_service"), target=target)

    async def do() -> None:
        (request,) = (await platform.prepare(restart, "SOMEBODY")).requests
        await platform.send(request)

    hands = Thread(target=lambda: asyncio.run(do()))  # a mark is passed inside a running loop
    hands.start()
    hands.join()


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (somebody_restarts, "the target changed"),
        (lambda run: run.pass_time(minutes=11), "was approved at"),
    ],
)
def test_what_was_armed_and_may_not_begin_is_withdrawn_and_asked_anew(
    tmp_path: Path, happens: Callable[[Run], None], why: str
) -> None:
    run = Run(tmp_path, when={PENDING: yes_twice}, at={Point.ARMED: happens})
    incident = run.go()

    assert incident.attempts[0].outcome is None
    assert f": skipped ({why}" in run.told(FINISHED)[0].replace(f"{run.name}.1 ", "")
    assert why in run.told(ENDED)[0]
    assert f"{run.name}.1.1.1" not in [operation.id for operation in run.effects]
    assert len(run.told(PENDING)) == 2
    assert run.effects[-1].id == f"{run.name}.2.1.1"


def test_a_target_that_changed_behind_the_last_checkpoint_is_not_sent_to(tmp_path: Path) -> None:
    run = Run(tmp_path, when={PENDING: yes_twice}, at={Point.RECHECKED: somebody_restarts})
    run.go()

    assert "the target changed" in run.told(ENDED)[0]
    assert f"{run.name}.1.1.1" not in [operation.id for operation in run.effects]


def test_a_process_that_is_always_held_up_sends_nothing_and_a_person_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, reads = Executor._sender, count()

    def slowed(*given: Any) -> Any:
        return replace(made(*given), stopwatch=lambda: float(next(reads)))

    monkeypatch.setattr(Executor, "_sender", slowed)
    run = Run(tmp_path, when={PENDING: always_yes})
    incident = run.go()

    assert run.effects == ()
    assert (incident.status, incident.acted) == (Status.ESCALATED, False)
    assert all("held up for more than 0.5 s" in told for told in run.told(ENDED))
    assert len(run.told(ENDED)) == len(run.told(PENDING)) >= 1


def takes_over(run: Run) -> None:
    run.house.commands.take_over(run.name, "alex", "mine")


def test_an_incident_that_is_taken_over_while_armed_sends_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, when={PENDING: yes_twice}, at={Point.ARMED: takes_over})
    incident = run.go()

    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.TAKEN_OVER)
    assert run.effects == ()
    assert run.request.state is ApprovalState.WITHDRAWN
    assert not incident.acted


def test_a_stop_holds_what_was_approved_and_says_so_until_sending_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold, "LOOK_SECONDS", 0.1)

    def starts(run: Run) -> None:
        assert run.effects == ()
        run.house.commands.switch(stopped=False, by="alex")

    def stops(run: Run) -> None:
        run.house.commands.switch(stopped=True, by="alex")

    answers: dict[EventType, Callable[[Run], None]] = {PENDING: yes_twice, HELD: starts}
    run = Run(tmp_path, when=answers, at={Point.ARMED: stops})
    incident = run.go()

    assert incident.status is Status.RESOLVED
    assert len(run.told(HELD)) == 1
    assert "sending is stopped by alex" in run.told(HELD)[0]
    assert len(run.effects) == 1


def test_an_incident_of_which_no_story_has_begun_yet_can_be_taken_over(tmp_path: Path) -> None:
    house = application(Settings(state_dir=tmp_path), Overrides(name=tmp_path.name))

    async def once() -> None:
        async with house.engine("shop"):
            pass  # an engine was here, and is gone

    asyncio.run(once())
    with house.store.begin() as work:
        work.incidents.put(an_incident())
    assert house.commands.take_over("INC-0001", "alex", "mine").takeover
    assert house.queries.incident("INC-0001").takeover
    house.close()
