"""Following an incident: who answers, what the code says, and that nobody waits in vain."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.adapters.approval_file import ApprovalFiles
from aiops_agent.domain.approval import ApprovalState, Surface
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Ending, Incident, Status
from aiops_agent.interfaces.cli import keyboard
from aiops_agent.interfaces.cli.call import Call
from aiops_agent.interfaces.cli.exits import Exit, exit_of
from aiops_agent.interfaces.cli.follow import Following, Manner
from aiops_agent.interfaces.cli.keyboard import NotTyped
from aiops_agent.workflow import feed
from tests.interfaces.cli.conftest import Aiops
from tests.interfaces.cli.played import REQUEST, PlayedHouse, answered
from tests.interfaces.terminal import canned

ENDS = {
    Ending.FIXED: (Status.RESOLVED, True, 0),
    Ending.HEALED: (Status.RESOLVED, False, 0),
    Ending.DISMISSED: (Status.DISMISSED, False, 0),
    Ending.MERGED: (Status.DISMISSED, False, 0),
    Ending.REJECTED: (Status.ESCALATED, False, 5),
    Ending.DENIED: (Status.ESCALATED, False, 5),
    Ending.EXPIRED: (Status.ESCALATED, False, 5),
    Ending.HANDED_OVER: (Status.ESCALATED, False, 5),
    Ending.TAKEN_OVER: (Status.ESCALATED, True, 6),
    Ending.FAILED: (Status.ESCALATED, True, 6),
    Ending.UNKNOWN: (Status.ESCALATED, True, 6),
}


def _ended(ending: Ending) -> Incident:
    status, acted, _ = ENDS[ending]
    shape = canned.RESOLVED if acted else canned.WAITING
    return shape.model_copy(update={"status": status, "ending": ending})


@pytest.mark.parametrize("ending", Ending)
def test_every_ending_has_its_code(ending: Ending) -> None:
    assert exit_of(_ended(ending)) == ENDS[ending][2]


def test_an_incident_that_waits_is_code_8() -> None:
    assert exit_of(canned.WAITING) is Exit.WAITING


@pytest.mark.parametrize("ending", list(Ending))
def test_a_limit_that_was_reached_has_a_code_of_its_own_unless_it_ended_well(
    ending: Ending,
) -> None:
    cut = _ended(ending).model_copy(update={"cut_short": "all 3 attempts"})
    assert exit_of(cut) == (ENDS[ending][2] and Exit.CUT_SHORT)


def test_a_yes_beforehand_is_recorded_as_such(aiops: Aiops, house: PlayedHouse) -> None:
    ran = aiops("demo", "--yes")

    assert ran.code == 0
    assert answered(house) == [(True, Surface.FLAG)]
    assert house.opened == ["shop"]
    assert "resolved" in ran.out


def test_without_a_terminal_nobody_is_waited_for(aiops: Aiops, house: PlayedHouse) -> None:
    ran = aiops("demo")

    assert ran.code == 8
    assert answered(house) == []
    plan = f"--plan {REQUEST.digest[:12]}"
    told_commands = (f"aiops approve INC-0001 {plan}", f"aiops reject INC-0001 {plan}")
    for told in (*told_commands, REQUEST.digest, "aiops incident resume INC-0001"):
        assert told in ran.err
        assert told == REQUEST.digest or told not in ran.out


def test_a_file_that_lies_there_is_waited_for(
    aiops: Aiops, house: PlayedHouse, state: Path
) -> None:
    files = ApprovalFiles(state / "approvals")
    files.open_folder()
    files.path(REQUEST.id).write_text("approve x")
    call = Call()
    vars(call).update(
        application=house, records=house
    )  # instead of the one that is built on first use

    async def scene() -> Exit:
        following = asyncio.ensure_future(Following(call, "INC-0001", Manner.LEAVE).run())
        await asyncio.sleep(0.3)
        assert not following.done()
        house.service.end(ApprovalState.APPROVED)  # what the engine does with the file
        return await following

    assert asyncio.run(scene()) is Exit.DONE


def test_resume_goes_on_in_the_engine_of_its_environment(aiops: Aiops, house: PlayedHouse) -> None:
    house.service.end(ApprovalState.APPROVED)
    house.service.one = house.service.one.model_copy(update={"status": Status.VERIFYING})
    real = house.service.one.model_copy(update={"environment": EnvironmentRef.parse("docker:shop")})

    aiops("incident", "resume", "INC-0001")
    house.service.one = real
    aiops("incident", "resume", "INC-0001")

    assert house.opened == ["shop", "serve"]


def test_a_story_that_died_is_told_and_not_waited_for(
    aiops: Aiops, house: PlayedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.died = "ERROR: a defect"
    house.service.request = REQUEST.model_copy(update={"state": ApprovalState.WITHDRAWN})
    monkeypatch.setattr(feed, "QUIET", timedelta(milliseconds=100))

    ran = aiops("demo")

    assert ran.code == 1
    assert "ERROR: a defect" in ran.err


def test_an_ended_incident_is_shown_again_and_nothing_is_run(
    aiops: Aiops, house: PlayedHouse
) -> None:
    house.service.end(ApprovalState.REJECTED)

    ran = aiops("incident", "resume", "INC-0001")

    assert ran.code == 5
    assert house.opened == []


class Scene:
    """A person at a terminal: `typed` are their lines, an empty queue means they think."""

    def __init__(self, house: PlayedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house, self.typed = house, asyncio.Queue[str | NotTyped | None]()
        self.call = Call()
        vars(self.call).update(
            application=house, records=house
        )  # instead of the one that is built on first use

        async def ask(_stream: object, show: Callable[[], None]) -> str | None:
            show()
            typed = await self.typed.get()
            if isinstance(typed, NotTyped):
                raise typed
            return typed

        monkeypatch.setattr(keyboard, "ask", ask)

    def play(self, *lines: str | NotTyped | None, meanwhile: ApprovalState | None = None) -> Exit:
        async def scene() -> Exit:
            following = asyncio.ensure_future(Following(self.call, "INC-0001", Manner.ASK).run())
            for line in lines:
                self.typed.put_nowait(line)
            if meanwhile:
                await asyncio.sleep(0.3)
                self.house.service.end(meanwhile)
            return await asyncio.wait_for(following, 10)

        return asyncio.run(scene())


@pytest.fixture
def scene(house: PlayedHouse, state: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(house, monkeypatch)


ANSWERS = {
    ("y",): (0, True, ""),
    ("yes",): (0, True, ""),
    ("Y",): (0, True, ""),
    ("",): (5, False, ""),
    ("n",): (5, False, ""),
    ("d", "e", "e E2", "e E99", "?", "perhaps", "y"): (0, True, ""),
    ("yes but not now", "n"): (5, False, ""),
    ("r not on a Friday",): (5, False, "not on a Friday"),
    ("r", "not now"): (5, False, "not now"),
    ("r", "", "n"): (5, False, ""),
}


@pytest.mark.parametrize("typed", ANSWERS)
def test_a_person_answers_by_keys(scene: Scene, typed: tuple[str, ...]) -> None:
    code, approve, reason = ANSWERS[typed]

    assert scene.play(*typed) == code

    (decision,) = scene.house.service.decisions
    assert (decision.approve, decision.reason) == (approve, reason)
    assert (decision.surface, decision.digest) == (Surface.TERMINAL, REQUEST.digest)


def test_what_was_not_typed_is_told_and_asked_again(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    block = NotTyped("More came at once.")
    assert scene.play(block, "r", block, "n") is Exit.REFUSED
    (decision,) = scene.house.service.decisions
    assert (decision.approve, decision.reason) == (False, "")
    shown = capsys.readouterr().out
    assert (shown.count("More came at once."), shown.count("Apply plan?")) == (2, 3)


def replaced(house: PlayedHouse) -> None:
    """Let another plan wait in place of the one whose question is told last."""
    gone = REQUEST.model_copy(update={"state": ApprovalState.WITHDRAWN})
    newer = REQUEST.model_copy(update={"id": "INC-0001.2", "digest": "f" * 64})
    house.service.replaced, house.service.request = (gone,), newer


def test_a_plan_that_was_not_shown_yet_is_not_asked_about(scene: Scene) -> None:
    """Its own event shows it; before, the yes under the old plan's panel went to the new one."""
    replaced(scene.house)
    assert scene.play("y", meanwhile=ApprovalState.REJECTED) is Exit.REFUSED
    assert scene.house.service.decisions == []


def test_a_yes_while_the_plan_is_replaced_is_for_the_plan_on_the_screen(scene: Scene) -> None:
    given: list[str] = []
    decide = scene.house.service.decide

    def too_late(name: str, **answer: Any) -> object:
        given.append(f"{name} {answer['plan']}")
        replaced(scene.house)
        scene.house.service.end(ApprovalState.REJECTED)
        return decide(name, **answer)

    vars(scene.house.service)["decide"] = too_late
    assert scene.play("y") is Exit.REFUSED
    assert given == [f"{REQUEST.id} {REQUEST.digest}"]
    assert scene.house.service.decisions == []


def test_a_closed_terminal_decides_nothing(scene: Scene) -> None:
    assert scene.play(None) is Exit.WAITING
    assert scene.house.service.decisions == []


@pytest.mark.parametrize(
    ("state", "code"), [(ApprovalState.APPROVED, 0), (ApprovalState.REJECTED, 5)]
)
def test_an_answer_given_elsewhere_ends_the_question(
    scene: Scene, state: ApprovalState, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scene.play(meanwhile=state) == code

    assert scene.house.service.decisions == []
    assert "approved by a person (terminal)" in capsys.readouterr().out


def test_an_answer_that_comes_too_late_is_refused_and_the_end_shown(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, decide = scene.house.service, scene.house.service.decide

    def too_late(*args: Any, **kwargs: Any) -> object:
        service.end(ApprovalState.REJECTED)
        return decide(*args, **kwargs)

    monkeypatch.setattr(service, "decide", too_late)

    assert scene.play("y") is Exit.REFUSED


def test_a_request_whose_time_is_over_is_not_called_waiting(
    aiops: Aiops, house: PlayedHouse
) -> None:
    """The story of this process tells its end; before, a script was told to wait for ever."""
    house.service.request = REQUEST.model_copy(update={"expires_at": canned.START})
    house.service.told += [_expired(len(house.service.told) + 1)]

    ran = aiops("incident", "resume", "INC-0001")

    assert house.opened == ["shop"]
    assert "waits for a person" not in ran.err


def _expired(number: int) -> Event:
    return canned.EVENTS[-1].model_copy(update={"id": number, "message": "report written"})


def test_a_watcher_is_told_when_no_process_works_on_it(aiops: Aiops, house: PlayedHouse) -> None:
    told = "No process works on INC-0001. To go on: aiops incident resume INC-0001"

    assert told not in aiops("incident", "watch", "INC-0001").err
    house.worker = ""
    assert told in aiops("incident", "watch", "INC-0001").err
