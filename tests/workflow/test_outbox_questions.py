"""A question is told only while it can still be answered, also before its workflow has looked."""

from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.domain.incident import Status
from aiops_agent.domain.outbox import OutboxState
from aiops_agent.workflow.deps import transaction
from tests import seams
from tests.workflow.place import Place
from tests.workflow.town import Receiver, Town, entries

NOT_OURS = "the incident is not the agent's any more"


@pytest.fixture
def town(place: Place) -> Town:
    return Town(place)


@pytest.fixture
def phone(place: Place, town: Town) -> Receiver:
    receiver = Receiver(place)
    receiver.notices.dispatch.begin()
    return receiver


async def expires(phone: Receiver, town: Town, early: timedelta) -> None:
    """Let the time of a question run out, but for so much, and look."""
    town.asks()
    phone.place.clock.at += phone.place.terms.expires - early
    await phone.turn()


async def test_a_question_whose_time_is_up_is_not_told(
    place: Place, phone: Receiver, town: Town
) -> None:
    await expires(phone, town, timedelta())
    assert phone.heard == []
    (entry,) = entries(place)
    assert entry.state is OutboxState.SUPERSEDED
    assert entry.why == "the question expired before it was told"


async def test_a_question_is_told_to_its_last_second(phone: Receiver, town: Town) -> None:
    await expires(phone, town, timedelta(seconds=1))
    assert len(phone.heard) == 1


async def test_an_expired_question_that_is_told_is_caught(
    place: Place, phone: Receiver, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.OBSOLETE.plant(monkeypatch, lambda _view, _entry, _now: "")
    with pytest.raises(AssertionError):
        await test_a_question_whose_time_is_up_is_not_told(place, phone, town)
    assert phone.found["told although not so"] == 1


@pytest.mark.parametrize("given", [{"takeover": True}, {"status": Status.ESCALATED}], ids=str)
async def test_a_question_of_an_incident_that_was_taken_or_ended_is_not_told(
    place: Place, phone: Receiver, town: Town, given: dict[str, Any]
) -> None:
    with transaction(place.deps, town.asks()) as t:
        t.keep(t.incident.model_copy(update=given))  # its question is withdrawn a moment later
    await phone.turn()
    assert phone.heard == []
    (entry,) = entries(place)
    assert (entry.state, entry.why) == (OutboxState.SUPERSEDED, NOT_OURS)


async def test_a_clock_that_another_process_saw_ahead_lets_a_question_expire(
    place: Place, phone: Receiver, town: Town
) -> None:
    town.asks()
    with place.store.begin() as work:
        work.clock.put(place.clock.at + place.terms.expires)
    await phone.turn()
    assert phone.heard == []
