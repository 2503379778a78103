"""Whole incidents while the clock is set back, sending is stopped, or enough was done."""

from pathlib import Path

import pytest

from aiops_agent.domain.approval import ApprovalRequest, ApprovalState, Surface
from aiops_agent.domain.errors import ApprovalError
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.point import Point
from aiops_agent.workflow import consent, hold
from tests.workflow.running import Run

PENDING, HELD = EventType.APPROVAL_PENDING, EventType.ACTION_HELD


def yes_to(run: Run, request: ApprovalRequest) -> None:
    run.house.commands.decide(
        request.id, approve=True, by="alex", surface=Surface.COMMAND, plan=request.digest
    )


def test_a_question_is_asked_anew_under_another_digest_when_the_clock_was_set_back(
    tmp_path: Path,
) -> None:
    asked: list[ApprovalRequest] = []

    def set_back(run: Run) -> None:
        asked.append(run.request)
        run.when[PENDING] = answer
        run.pass_time(minutes=-5)

    def answer(run: Run) -> None:
        asked.append(run.request)
        with pytest.raises(ApprovalError):
            yes_to(run, asked[0])
        assert run.effects == ()
        yes_to(run, asked[1])

    run = Run(tmp_path, when={PENDING: set_back})
    incident = run.go()

    first, second = asked
    assert (first.id, second.id) == (f"{run.name}.1", f"{run.name}.1.2")
    assert first.digest != second.digest
    assert first.prepared.steps == second.prepared.steps
    assert incident.ending is Ending.FIXED
    (attempt,) = incident.attempts
    assert attempt.prepared == second.prepared
    assert attempt.approval == second.id
    states = {one.id: one.state for one in run.house.queries.approvals()}
    assert states == {first.id: ApprovalState.WITHDRAWN, second.id: ApprovalState.USED}


@pytest.mark.slow
def test_a_clock_that_is_set_back_again_and_again_is_not_gone_by(tmp_path: Path) -> None:
    def set_back(run: Run) -> None:
        run.when[PENDING] = set_back
        run.pass_time(minutes=-5)

    run = Run(tmp_path, when={PENDING: set_back})
    incident = run.go()

    assert incident.ending is Ending.EXPIRED
    assert "set back 5 times" in incident.note
    assert len(run.told(PENDING)) == consent.MOST_ASKED
    assert run.effects == ()


def test_while_sending_is_stopped_a_plan_waits_and_goes_on_after_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold, "LOOK_SECONDS", 0.05)
    sent: list[int] = []

    def start(run: Run) -> None:
        sent.append(len(run.effects))
        run.house.commands.switch(stopped=False, by="kim")

    def by_switch(run: Run) -> None:
        run.house.commands.switch(stopped=True, by="alex")
        (tmp_path / "STOP").unlink()
        run.when[HELD] = start

    run = Run(
        tmp_path,
        at={Point.RECHECKED: lambda run: (tmp_path / "STOP").touch()},
        when={PENDING: Run.answer, HELD: by_switch},
    )

    incident = run.go()

    assert sent == [0]
    assert incident.ending is Ending.FIXED
    assert ["STOP" in told for told in run.told(HELD)] == [True, False]


def test_beyond_a_limit_the_plan_is_withdrawn_and_a_person_told_beforehand(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path, per_service="0/h", when={PENDING: Run.answer})
    incident = run.go()

    why = "policy.limits.per_service allows 0/h"
    assert incident.ending is Ending.HANDED_OVER
    assert why in incident.note
    assert run.effects == ()
    assert run.request.state is ApprovalState.WITHDRAWN
    assert any(why in said for said in run.request.verdict.beside)
