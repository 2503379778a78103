"""What a person's answer does, and what no answer does."""

from datetime import timedelta

import pytest

from aiops_agent.adapters.approval_file import ApprovalFiles
from aiops_agent.bootstrap.application import Application
from aiops_agent.domain.approval import ApprovalState, Surface
from aiops_agent.domain.errors import ApprovalError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Ending, Status
from aiops_agent.domain.payload import ApprovalDecided, EventType
from aiops_agent.domain.policy import Mode
from tests.contracts.payloads import carried

from .conftest import Stage, no, yes


async def test_a_yes_runs_the_plan_once(stage: Stage) -> None:
    told = await stage.play("hung-process", yes)

    assert told.incident.ending is Ending.FIXED
    assert [effect.kind for effect in told.effects] == ["restart_service"]


async def test_a_no_changes_nothing_and_hands_over(stage: Stage) -> None:
    told = await stage.play("hung-process", no)

    assert (told.incident.status, told.incident.ending) == (Status.ESCALATED, Ending.REJECTED)
    assert told.effects == ()
    assert "not now" in next(
        event.message for event in told.events if event.type is EventType.APPROVAL_DECIDED
    )
    assert "because: not now" in told.incident.note


async def test_a_yes_to_another_plan_is_refused_and_recorded(stage: Stage) -> None:
    def wrong_then_no(built: Application, event: Event) -> None:
        with pytest.raises(ApprovalError, match=r"another|is for plan"):
            built.commands.decide(
                event.incident, approve=True, by="pat", surface=Surface.WEB, plan="0" * 64
            )
        no(built, event)

    told = await stage.play("hung-process", wrong_then_no)

    assert told.effects == ()
    assert EventType.APPROVAL_REFUSED in told.types


@pytest.mark.slow
async def test_silence_is_a_no(stage: Stage) -> None:
    """Nobody answers: the request expires in wall time, nothing is run."""

    def silence(_built: Application, _event: Event) -> None:
        return None

    told = await stage.play("hung-process", silence, approvals={"expires": timedelta(seconds=3)})

    assert told.incident.ending is Ending.EXPIRED
    assert told.effects == ()
    assert EventType.APPROVAL_REMINDER in told.types


async def test_in_mode_observe_nobody_is_asked_and_nothing_is_run(stage: Stage) -> None:
    told = await stage.play("hung-process", mode=Mode.OBSERVE)

    assert told.incident.ending is Ending.DENIED
    assert EventType.APPROVAL_PENDING not in told.types
    assert told.effects == ()


async def test_in_mode_act_a_small_reversible_plan_needs_no_person(stage: Stage) -> None:
    told = await stage.play("traffic-surge", mode=Mode.ACT)

    assert told.incident.ending is Ending.FIXED
    assert EventType.APPROVAL_PENDING not in told.types
    decided = next(e for e in told.events if e.type is EventType.APPROVAL_DECIDED)
    assert carried(decided, ApprovalDecided).decision.surface is Surface.POLICY


async def test_in_mode_act_a_restart_still_needs_a_person(stage: Stage) -> None:
    told = await stage.play("hung-process", no, mode=Mode.ACT)

    assert told.incident.ending is Ending.REJECTED
    assert told.effects == ()


async def test_a_takeover_while_waiting_stops_the_agent(stage: Stage) -> None:
    def take_over(built: Application, event: Event) -> None:
        built.commands.take_over(event.incident, "pat", "mine")
        request = built.queries.approval(event.incident)
        assert request.state in (ApprovalState.PENDING, ApprovalState.WITHDRAWN)

    told = await stage.play("hung-process", take_over)

    assert told.incident.ending is Ending.TAKEN_OVER
    assert told.effects == ()


@pytest.mark.slow
async def test_a_file_that_cannot_be_taken_away_is_refused_once(stage: Stage) -> None:
    """It lies there for many looks; the bus is not filled with it."""

    def in_an_open_folder(_built: Application, event: Event) -> None:
        files = ApprovalFiles(stage.state / "approvals")
        files.open_folder()
        files.folder.chmod(0o777)
        files.path(f"{event.incident}.1").write_text(f"approve {'0' * 64}\n")

    told = await stage.play(
        "hung-process", in_an_open_folder, approvals={"expires": timedelta(seconds=2)}
    )

    assert told.effects == ()
    assert told.types.count(EventType.APPROVAL_REFUSED) == 1
