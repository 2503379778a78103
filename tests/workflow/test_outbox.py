"""A receiver that is away costs nobody else a notice, and what is told is so and told once."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.adapters.sql.outbox import SqlOutbox
from aiops_agent.bootstrap.controls import outbox_checkups
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.outbox import LONGEST_PAUSE, OutboxState, pause
from aiops_agent.ports.store import Work
from aiops_agent.workflow.dispatch import MINUTE, PER_MINUTE, Dispatch
from aiops_agent.workflow.queries import Queries
from tests import seams
from tests.workflow.place import Place
from tests.workflow.town import Died, Receiver, Town, audited, digests, entries

CLEAN: Counter[str] = Counter()
Count = Callable[[str, object], None]


@pytest.fixture
def town(place: Place) -> Town:
    return Town(place)


@pytest.fixture
def phone(place: Place, town: Town) -> Receiver:
    receiver = Receiver(place)
    receiver.notices.dispatch.begin()
    return receiver


async def minutes(phone: Receiver, town: Town, length: float, step: float = 60) -> None:
    """Let so many minutes pass, looking every `step` seconds."""
    until = phone.place.clock.at + timedelta(minutes=length)
    while phone.place.clock.at < until:
        phone.place.clock.go(seconds=step)
        town.looks()
        await phone.turn()


def flaws(phone: Receiver, since: int = 1) -> Counter[str]:
    found = audited(phone, since)
    del found["slow though well"]  # the phone is mended here without a word to the observer
    return +found


def states(place: Place) -> dict[OutboxState, int]:
    return dict(Counter(one.state for one in entries(place)))


async def an_hour_away(phone: Receiver, town: Town) -> None:
    """Away for an hour in which much becomes untrue; told of what is left, then."""
    phone.up = False
    expired, answered, replaced = town.asks(), town.asks(), town.asks()
    await minutes(phone, town, 5)
    town.answers(answered)
    town.withdraws(replaced)
    await minutes(phone, town, 50)
    late = town.asks()
    await minutes(phone, town, 5)
    phone.up = True
    await minutes(phone, town, 2)
    assert phone.said() == [
        f"{answered} resolved",
        f"{expired} escalated",
        f"{replaced} escalated",
        f"{late} approval_needed",
    ]


@pytest.mark.slow
async def test_after_an_hour_away_only_what_is_still_so_is_told_in_its_order(
    place: Place, phone: Receiver, town: Town
) -> None:
    await an_hour_away(phone, town)
    assert flaws(phone) == CLEAN
    kept = states(place)
    assert kept == {OutboxState.TOLD: 4, OutboxState.SUPERSEDED: len(entries(place)) - 4}
    assert phone.rang < 120, "an outage is asked seldom"


@pytest.mark.slow
async def test_an_expired_question_that_is_told_is_caught(
    phone: Receiver, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.OBSOLETE.plant(monkeypatch, lambda _view, _entry, _now: "")
    seams.SUPERSEDE.plant(monkeypatch, lambda _self, _work, _entry: None)
    with pytest.raises(AssertionError):
        await an_hour_away(phone, town)
    assert flaws(phone)["told although not so"] > 0


async def test_an_older_notice_that_is_not_superseded_is_caught(
    phone: Receiver, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.SUPERSEDE.plant(monkeypatch, lambda _self, _work, _entry: None)
    phone.up = False
    asked = town.asks()
    await minutes(phone, town, 10)
    phone.up = True
    await minutes(phone, town, 2)
    assert phone.said() == [f"{asked} approval_needed", f"{asked} reminder"], "the same, twice"


async def test_events_that_are_read_and_not_kept_are_caught(
    phone: Receiver, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.ADD.plant(monkeypatch, lambda _self, _entry: True)
    town.asks()
    await phone.turn()
    assert flaws(phone)["lost"] == 1


async def test_of_one_incident_only_the_newest_state_is_told(
    place: Place, phone: Receiver, town: Town
) -> None:
    phone.up = False
    one = town.asks()
    await minutes(phone, town, 8)  # and reminded
    phone.up = True
    await minutes(phone, town, 2)
    assert phone.said() == [f"{one} reminder"]
    assert states(place) == {OutboxState.SUPERSEDED: 1, OutboxState.TOLD: 1}


async def test_a_new_receiver_hears_no_history_but_what_waits_for_an_answer(
    place: Place, town: Town
) -> None:
    for _ in range(3):
        town.ends(town.asks())
    waits = town.asks()
    place.clock.go(minutes=1)
    phone = Receiver(place)
    await phone.turn()
    assert phone.said() == [f"{waits} approval_needed"]
    assert phone.heard[0][1].approve.startswith(f"aiops approve {waits} --plan ")
    town.looks()
    ended = town.asks()
    town.ends(ended)
    await phone.turn()
    assert phone.said()[1:] == [f"{ended} resolved"]
    again = Receiver(place)  # a restart is no new receiver
    await again.turn()
    assert again.heard == []


async def test_a_receiver_that_hangs_keeps_no_other_waiting(place: Place, town: Town) -> None:
    hung, bell = Receiver(place, hangs=asyncio.Event()), Receiver(place, name="bell")
    for one in (hung, bell):
        one.notices.dispatch.begin()
    town.ends(town.asks())
    running = [asyncio.create_task(one.notices.run()) for one in (hung, bell)]
    async with asyncio.timeout(20):
        await hung.inside.wait()
        town.ends(town.asks())
        while len(bell.heard) < 2:  # noqa: ASYNC110 -- a test that looks from outside
            await asyncio.sleep(0)
    assert (hung.heard, len(bell.heard)) == ([], 2)
    for task in running:
        task.cancel()
    await asyncio.wait(running)


async def test_one_notice_that_cannot_be_taken_blocks_no_other(phone: Receiver, town: Town) -> None:
    bad = town.asks()
    phone.dislikes = {bad}
    await phone.turn()
    others = [town.asks() for _ in range(3)]
    for _ in range(3):
        phone.place.clock.go(seconds=1)
        await phone.turn()
    assert phone.said() == [f"{one} approval_needed" for one in others]
    phone.dislikes = set()
    await minutes(phone, town, 2)
    assert phone.said()[-1] == f"{bad} approval_needed"
    assert flaws(phone) == CLEAN


async def test_one_failure_alone_makes_no_pause_and_two_in_a_row_do(
    phone: Receiver, town: Town
) -> None:
    first, second, third = town.asks(), town.asks(), town.asks()
    phone.dislikes = {first}
    await phone.turn()
    assert phone.said() == [f"{second} approval_needed", f"{third} approval_needed"]
    phone.up = False
    before = phone.rang
    for _ in range(4):
        town.asks()
    await phone.turn()
    assert phone.rang == before + 2, "it is away: the others are kept"


@pytest.mark.parametrize(("asked", "waited"), [(20, 20), (3600, 60)])
async def test_a_receiver_that_asks_for_a_pause_gets_it_up_to_a_minute(
    phone: Receiver, town: Town, asked: int, waited: int
) -> None:
    phone.up, phone.after = False, float(asked)
    town.asks()
    await phone.turn()
    phone.up = True
    town.asks()
    phone.place.clock.go(seconds=waited - 1)
    await phone.turn()
    assert phone.said() == []
    phone.place.clock.go(seconds=2)
    await phone.turn()
    assert len(phone.said()) == 2


async def test_what_is_too_old_is_given_up_and_said(
    place: Place, phone: Receiver, town: Town
) -> None:
    phone.up = False
    town.ends(town.asks())
    await phone.turn()
    place.clock.go(hours=24, minutes=2)
    await phone.turn()
    assert states(place)[OutboxState.GIVEN_UP] == 1
    assert flaws(phone) == CLEAN
    (note,) = outbox_checkups(Queries(place.store), place.clock.at)
    assert note.words == "1 were NOT told within the last 1d"
    last = place.events()[-1]
    assert last.message == ("NOT told (not told within 24 h: Nobody answers.) by phone: resolved")


async def test_the_doctor_tells_what_waits_and_why(
    place: Place, phone: Receiver, town: Town
) -> None:
    assert outbox_checkups(Queries(place.store), place.clock.at) == ()
    phone.up = False
    town.asks()
    await phone.turn()
    place.clock.go(minutes=3)
    (note,) = outbox_checkups(Queries(place.store), place.clock.at)
    assert note.words == "1 notices wait, the oldest for 3m: Nobody answers."
    assert note.name == "outbox phone"


@pytest.mark.slow
async def test_a_storm_becomes_five_and_digests_and_sev1_goes_alone(
    place: Place, phone: Receiver, town: Town, record_property: Count
) -> None:
    kinds = [Severity.SEV1 if n % 50 == 49 else Severity.SEV3 for n in range(200)]
    names = town.storms(kinds)
    await phone.turn()
    assert phone.said()[:4] == [f"{name} escalated" for name in names[49::50]]
    await minutes(phone, town, 2, step=10)
    assert flaws(phone) == CLEAN
    (digest,) = digests(phone)
    assert (digest.severity, len(digest.digest), digest.left_out) == (Severity.SEV3, 50, 145)
    assert digest.title == "195 notices of 195 incidents"
    assert (digest.what, digest.show) == ("195 escalated", "aiops incident list")
    start = phone.heard[0][0]
    quiet = [n for at, n in phone.heard if at - start < MINUTE and n.severity is Severity.SEV3]
    assert len(quiet) <= PER_MINUTE + 1
    assert states(place) == {OutboxState.TOLD: 200}
    record_property("count", f"storm: 200 incidents, {len(phone.heard)} messages")


async def test_a_question_that_soon_expires_leaves_a_digest_that_is_stuck(
    place: Place, phone: Receiver, town: Town
) -> None:
    asked = [town.asks() for _ in range(PER_MINUTE + 2)]
    await minutes(phone, town, 1, step=30)
    (digest,) = digests(phone)
    assert [line.incident for line in digest.digest] == asked[PER_MINUTE:]
    assert all(line.approve.startswith("aiops approve INC-") for line in digest.digest)
    assert digest.show == "aiops approval list --pending"
    place.clock.go(minutes=7)
    town.looks()
    await phone.turn()  # five are reminded of
    phone.up = False
    await minutes(phone, town, 1)
    assert all(one.message for one in entries(place) if one.state is OutboxState.WAITING)
    place.clock.go(minutes=4, seconds=30)
    phone.up = True
    await phone.turn()
    assert phone.said()[-2:] == [f"{one} reminder" for one in asked[PER_MINUTE:]]
    assert len(digests(phone)) == 1
    assert flaws(phone) == CLEAN


async def test_a_clock_set_back_stops_no_notice(place: Place, phone: Receiver, town: Town) -> None:
    for _ in range(PER_MINUTE):
        town.ends(town.opens())
    await phone.turn()
    phone.up = False
    town.ends(town.opens())
    await phone.turn()
    place.clock.go(hours=-5)
    phone.up = True
    town.ends(town.opens())
    await minutes(phone, town, 2)
    assert len(phone.heard) == PER_MINUTE + 2


def test_pauses_grow_to_a_minute_and_are_spread() -> None:
    for tries in range(1, 40):
        longest = min(LONGEST_PAUSE, timedelta(seconds=0.5) * 2 ** (tries - 1))
        some = {pause(f"INC-{n}", tries) for n in range(50)}
        assert len(some) > 40
        assert longest / 2 <= min(some) <= max(some) <= longest


@contextmanager
def dies(store: Any, at: int, *, after: bool, patch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """End the process at the so-manieth transaction, before or after its commit."""
    begin, count = store.begin, [0]

    @contextmanager
    def mortal() -> Iterator[Work]:
        count[0] += 1
        with begin() as work:
            yield work
            if count[0] == at and not after:
                raise Died
        if count[0] == at:
            raise Died

    with patch.context() as planted:
        planted.setattr(store, "begin", mortal)
        yield count


def lives(phone: Receiver, town: Town) -> None:
    """A bad notice, a digest, a superseded one, an end: each kind of record is made."""
    asked = [town.asks() for _ in range(PER_MINUTE + 3)]
    town.ends(asked[0])
    phone.dislikes = {asked[1]}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("after", [False, True])
async def test_a_death_at_any_transaction_loses_nothing(
    place: Place, after: bool, monkeypatch: pytest.MonkeyPatch, record_property: Count
) -> None:
    deaths = 0
    for at in range(1, 25):
        town = Town(place)
        town._number = at * 100
        phone = Receiver(place, name=f"phone{at}")
        phone.notices.dispatch.begin()
        begun = phone.notices.dispatch.stopped()
        lives(phone, town)
        died = False
        with dies(place.store, at, after=after, patch=monkeypatch) as count:
            for _ in range(3):
                try:
                    await phone.notices.catch_up()
                except Died:
                    died = True
                    phone.fresh()
                    phone.deaths.append(place.clock.at)
                place.clock.go(seconds=11)
        place.clock.go(minutes=1)
        phone.dislikes = set()
        await minutes(phone, town, 2)
        assert flaws(phone, begun) == CLEAN, at
        assert all(one.state is not OutboxState.WAITING for one in entries(place, phone.name))
        deaths += died
        for incident in tuple(town.waiting):
            town.ends(incident)  # the next receiver is told of its own town
        if count[0] < at:
            break
    assert deaths > 10
    record_property("count", f"outbox: {deaths} deaths {'after' if after else 'before'} a commit")


async def test_a_death_after_telling_tells_again_under_the_same_key(
    phone: Receiver, town: Town
) -> None:
    town.ends(town.opens())
    phone.dies = True
    await phone.turn()
    await phone.turn()
    assert len(phone.heard) == 2
    assert len({notice.key for _, notice in phone.heard}) == 1
    assert flaws(phone) == CLEAN


async def test_a_notice_that_is_told_and_not_recorded_is_caught(
    phone: Receiver, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = Dispatch._end

    def forgets(self: Dispatch, work: Work, *given: Any) -> None:
        before = given[0]
        end(self, work, *given)
        work.outbox.put(before)

    seams.END.plant(monkeypatch, forgets)
    town.ends(town.opens())
    monkeypatch.setattr(SqlOutbox, "told", lambda *_: (0, 0))
    beyond = 0

    async def tell(notice: Any) -> Any:
        nonlocal beyond
        beyond += 1
        if beyond > 3:
            raise Died
        return await Receiver.tell(phone, notice)

    monkeypatch.setattr(phone, "tell", tell)
    await phone.turn()
    assert flaws(phone)["doubled keys beyond crashes"] > 0
