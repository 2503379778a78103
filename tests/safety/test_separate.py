"""An executor of its own: one effect whoever dies when, and no wait is without an end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.domain.approval import ApprovalState, Ruling, Verdict
from aiops_agent.domain.errors import NotExecuted, OnHold, PlatformError, Tampered
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import EffectState, Outcome, PlanKind
from aiops_agent.safety import send
from tests import seams
from tests.safety.apart import Apart, apart
from tests.safety.memory import inline
from tests.safety.plans import a_plan, an_incident

Record = Callable[[str, object], None]
MOST_MARKS = 40
LATE = timedelta(minutes=11)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run on one thread and wait for nothing."""
    monkeypatch.setattr(send, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(asyncio, "to_thread", inline)


async def lived_through(*, repeatable: bool = True) -> tuple[int, list[str]]:
    """Let each half die at each of its marks, there and back; the deaths, and what was wrong."""
    deaths, wrong = 0, list[str]()
    for who in (0, 1):
        for at in range(1, MOST_MARKS):
            plan = a_plan(1, 2, repeatable=repeatable)
            life = Apart(plan, dies=(at, 0) if who == 0 else (0, at))
            ends = [await life.goes_on(), await life.taken_back()]
            if not life.deaths:
                break
            deaths += life.deaths
            states = [end.state if isinstance(end, Outcome) else end for end in ends]
            unfinished = repeatable and states != [EffectState.APPLIED] * 2
            if unfinished or set(life.platform.done.values()) - {1}:
                wrong.append(f"{who} died at {at}: {states}, {dict(life.platform.done)}")
    return deaths, wrong


@pytest.mark.parametrize("repeatable", [True, False])
async def test_whoever_dies_at_any_mark_each_request_has_one_effect(
    repeatable: bool, record_property: Record
) -> None:
    deaths, wrong = await lived_through(repeatable=repeatable)
    record_property("count", f"executor apart: {deaths} deaths of either half, {len(wrong)} wrong")
    assert wrong == []
    assert deaths >= 20


async def test_an_executor_that_does_not_look_before_it_repeats_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A planted defect: what the one before had begun is sent again."""

    async def recover(self: send.Sender, intent: Intent) -> Intent:
        return await self._record(intent, IntentState.ARMED, "")

    seams.RECOVER.plant(monkeypatch, recover)
    _, wrong = await lived_through(repeatable=False)
    assert any(": 2" in flaw for flaw in wrong), wrong


async def test_who_arms_sends_nothing_by_itself() -> None:
    life = apart(away=True)
    end = await life.goes_on()
    assert isinstance(end, OnHold)
    assert str(end) == "no executor has ever run: start `aiops execute`."
    assert {one.state for one in life.rows} == {IntentState.ARMED}
    assert Point.BEFORE_SEND not in life.passed
    assert life.platform.sent == []


@pytest.mark.parametrize(
    ("lease", "says"),
    [
        ({"until": None, "owner": ""}, "the executor is away since 2026-11-24 09:30 UTC: start"),
        ({"version": "1.2.4"}, "the executor is of version 1.2.4 and this is 1.2.3"),
        ({"version": ""}, "the executor is of version an older one"),
        ({"serves": ("docker:other",)}, "the executor does not know shop:a"),
    ],
)
async def test_an_executor_that_would_not_take_it_is_named(lease: Any, says: str) -> None:
    life = apart(away=True)
    life.beats(**lease)
    end = await life.goes_on()
    assert isinstance(end, OnHold)
    assert str(end).startswith(says)


async def test_an_executor_that_comes_in_time_is_waited_for() -> None:
    life = apart(away=True)
    assert isinstance(await life.goes_on(), OnHold)
    life.now += timedelta(minutes=5)
    life.away = False
    life.beats()
    end = await life.goes_on()
    assert isinstance(end, Outcome)
    assert end.state is EffectState.APPLIED


async def too_late(life: Apart) -> Any:
    """Wait for an executor until the yes is too old; then one comes."""
    assert isinstance(await life.goes_on(), OnHold)
    life.now += LATE
    end = await life.goes_on()
    life.away = False
    life.beats()
    await life.works()
    return end


async def test_behind_the_deadline_a_person_goes_on_and_no_executor_sends_any_more() -> None:
    life = apart(away=True)
    end = await too_late(life)
    assert isinstance(end, NotExecuted)
    assert {one.state for one in life.rows} == {IntentState.SKIPPED}
    assert all("start `aiops execute`" in one.note for one in life.rows)
    assert life.platform.sent == []


async def test_an_end_that_is_not_recorded_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted defect, twice over: nothing is skipped, and no yes is ever too old."""

    async def end(_self: send.Sender, intent: Intent, _why: str) -> Intent:
        return intent.model_copy(update={"state": IntentState.SKIPPED})

    seams.ENDED_UNSENT.plant(monkeypatch, end)
    seams.PERMITTED.plant(monkeypatch, lambda *_: None)
    life = apart(away=True)
    assert isinstance(await too_late(life), NotExecuted)
    assert life.platform.sent, "a person was told that nothing was run"


@pytest.mark.parametrize(
    ("landed", "state"), [(True, IntentState.APPLIED), (False, IntentState.UNKNOWN)]
)
async def test_what_a_lost_executor_had_begun_is_looked_after_and_never_sent_again(
    landed: bool, state: IntentState
) -> None:
    """It died between the socket and the record; a look is all that may be done without it."""
    life = apart(dies=(0, 2))  # at SENDING
    await life.armer().arm(life.request, lambda: life.verdict)
    await life.works()
    first, *others = life.rows
    assert first.state is IntentState.SENDING
    life.platform.done[first.operation] += landed
    life.away = True
    life.now += LATE
    end = await life.goes_on()
    assert isinstance(end, Outcome)
    assert [one.state for one in life.rows] == [state, *([IntentState.SKIPPED] * len(others))]
    life.away = False
    life.beats()
    await life.works()
    assert life.platform.done[first.operation] == int(landed)
    assert life.platform.left == []


async def test_a_way_back_that_nobody_takes_ends_as_not_taken_back() -> None:
    life = apart()
    done = await life.goes_on()
    assert isinstance(done, Outcome)
    life.away = True
    life.now += timedelta(minutes=1)
    assert isinstance(await life.taken_back(), OnHold)
    life.now += LATE
    end = await life.taken_back()
    assert isinstance(end, Outcome)
    assert end.state is EffectState.SKIPPED
    assert len(life.platform.left) == len(done.effects)


async def test_sending_that_is_stopped_holds_the_executor_and_is_what_is_told() -> None:
    life = apart()
    await life.armer().arm(life.request, lambda: life.verdict)
    life.switch(stopped=True)
    end = await life.goes_on()
    assert isinstance(end, OnHold)
    assert "stopped" in str(end)
    await life.works()
    assert life.platform.sent == []
    life.switch(stopped=False)
    done = await life.goes_on()
    assert isinstance(done, Outcome)
    assert done.state is EffectState.APPLIED


def denies(life: Apart) -> None:
    life.verdict = Verdict(ruling=Ruling.DENY, reason="no changes on Fridays")


def moved(life: Apart) -> None:
    life.platform.moved = True


def taken(life: Apart) -> None:
    incident = life.store.incidents.rows["INC-0001"]
    life.store.incidents.put(incident.model_copy(update={"takeover": True}))


async def test_the_executor_sends_nothing_that_is_not_armed() -> None:
    life = apart()
    assert life.request.state is ApprovalState.APPROVED
    with pytest.raises(Tampered):
        await life.sender().send(life.request, lambda: life.verdict)
    assert life.platform.sent == []


@pytest.mark.parametrize("happens", [denies, moved, taken])
async def test_the_executor_judges_policy_target_and_people_once_more(
    happens: Callable[[Apart], None],
) -> None:
    life = apart()
    await life.armer().arm(life.request, lambda: life.verdict)
    happens(life)
    end = await life.goes_on()
    assert isinstance(end, Outcome)
    assert not end.begun
    assert life.platform.left == []


# Making a plan ready.


def asking(life: Apart) -> Any:
    armer = life.armer()
    return armer.prepare(an_incident(), 1, life.plan.plan)


def answering(life: Apart, **other: Any) -> Callable[[], Any]:
    """Return a pause in which the executor answers what is asked."""

    async def pause() -> None:
        asked = life.store.preparations.rows["INC-0001"]
        life.store.preparations.put(asked.model_copy(update=other))

    return pause


async def test_a_plan_is_made_ready_by_the_executor() -> None:
    life = apart()
    armer = replace(life.armer(), pause=answering(life, prepared=life.plan))
    assert await armer.prepare(an_incident(), 1, life.plan.plan) == life.plan
    assert life.store.preparations.rows == {}
    assert life.platform.undone == [], "nothing was prepared here"


async def test_why_a_plan_cannot_be_made_ready_is_told() -> None:
    life = apart()
    armer = replace(life.armer(), pause=answering(life, flaw="It is paused."))
    with pytest.raises(PlatformError, match=r"It is paused\."):
        await armer.prepare(an_incident(), 1, life.plan.plan)


@pytest.mark.parametrize("other", [{"attempt": 2}, {"incident": "INC-0002"}, {"plan": None}])
async def test_another_plan_than_was_asked_for_is_not_taken(other: dict[str, Any]) -> None:
    life = apart()
    if "plan" in other:
        other = {"plan": life.plan.plan.model_copy(update={"kind": PlanKind.WATCH})}
    swapped = life.plan.model_copy(update=other)
    armer = replace(life.armer(), pause=answering(life, prepared=swapped))
    with pytest.raises(Tampered):
        await armer.prepare(an_incident(), 1, life.plan.plan)


async def test_an_executor_that_is_away_is_waited_for_with_a_plan_too() -> None:
    life = apart(away=True)
    with pytest.raises(OnHold, match="start `aiops execute`"):
        await asking(life)
    first = life.store.preparations.rows["INC-0001"].asked_at
    life.now += timedelta(minutes=5)
    with pytest.raises(OnHold):
        await asking(life)
    assert life.store.preparations.rows["INC-0001"].asked_at == first
    life.now += LATE
    with pytest.raises(PlatformError, match="start `aiops execute`"):
        await asking(life)
    assert life.store.preparations.rows == {}, "nobody prepares it any more"


async def test_who_takes_an_incident_over_need_not_wait_for_its_plan() -> None:
    life = apart()
    taken(life)
    with pytest.raises(PlatformError, match="people went on with it"):
        await asking(life)
