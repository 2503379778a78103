"""Who leads keeps its lease, and ends when it is lost; who stands by takes over from the silent."""

import asyncio
import time as wall
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from aiops_agent.domain.errors import LeaseLost, StoreError
from aiops_agent.domain.lease import Lease
from aiops_agent.ports.store import Store
from aiops_agent.workflow import leading
from aiops_agent.workflow.leading import Leading
from aiops_agent.workflow.lease import TERM, seen
from aiops_agent.workflow.loops import Loop, LoopName
from tests.workflow.test_lease import NAME, Stand, Time, tenure

LONGEST_SECONDS = 10.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look without a pause, and renew only when the test says so."""
    monkeypatch.setattr(leading, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(leading, "RENEW_SECONDS", 3600.0)


def row(store: Store) -> Lease:
    found, _ = seen(store, NAME, Time().at)
    assert found is not None
    return found


def taken_by_another(store: Store) -> None:
    """Let another process have taken the lease while we were stopped."""
    known = row(store)
    with store.begin() as work:
        other = {"owner": "another", "fence": known.fence + 1}
        work.leases.put(known.model_copy(update=other))


async def test_the_lease_is_renewed_also_while_the_event_loop_is_held_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "RENEW_SECONDS", 0.005)
    time = Time()
    one = Stand(store, time, "one")
    await one.begin()
    time.go(TERM.total_seconds() - 1)
    until = wall.monotonic() + LONGEST_SECONDS
    while row(store).until != time.at + TERM:  # nothing else runs on this loop meanwhile
        assert wall.monotonic() < until, "nobody renewed it"
    await one.end()
    assert row(store).owner == "", "given back"


async def test_who_was_stopped_finds_out_by_itself_ends_and_leaves_the_lease_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "RENEW_SECONDS", 0.005)
    one = Stand(store, Time(), "one")
    await one.begin()
    taken_by_another(store)
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(LONGEST_SECONDS):
            await asyncio.Event().wait()
    why = one.part.why()
    assert isinstance(why, LeaseLost)
    assert one.part.words == str(why)
    keeper = one.part._keeper
    assert keeper is not None
    await asyncio.to_thread(keeper.join, LONGEST_SECONDS)
    assert not keeper.is_alive(), "it renews nothing any more"
    await one.end()
    assert row(store).owner == "another"


async def test_who_stands_down_is_not_cancelled_any_more(store: Store) -> None:
    """What is left to do is to close: a lease that is lost on the way changes nothing."""
    one = Stand(store, Time(), "one")
    await one.begin()
    await one.part.stand_down()
    taken_by_another(store)
    with pytest.raises(LeaseLost):
        await asyncio.to_thread(one.part.tenure.renew)
    await asyncio.sleep(0.01)
    assert one.part.why() is None
    await one.end()


async def test_somebody_elses_cancellation_is_not_called_a_lost_lease(store: Store) -> None:
    one = Stand(store, Time(), "one")
    await one.begin()
    waiting = asyncio.ensure_future(asyncio.Event().wait())
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert one.part.why() is None
    await one.end()


@dataclass
class Looks:
    """What one after the other look at the lease shows; it stays as it was last."""

    lease: Lease
    script: Iterator[bool | StoreError]  # held, or why it cannot be seen
    count: int = 0
    held: bool = False

    def __call__(self) -> tuple[Lease | None, bool]:
        self.count += 1
        found = next(self.script, self.held)
        if isinstance(found, StoreError):
            raise found
        self.held = found
        return self.lease, found


AWAY = StoreError("The database does not answer.")
HELD, SILENT = True, False


@pytest.mark.parametrize(
    ("script", "looks"),
    [
        ((SILENT, SILENT), 2),
        ((SILENT, HELD, SILENT, SILENT), 4),
        ((SILENT, AWAY, SILENT, SILENT), 4),
        ((AWAY, AWAY, SILENT, SILENT), 4),
    ],
)
async def test_silent_means_at_two_looks_in_a_row(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    script: tuple[bool | StoreError, ...],
    looks: int,
) -> None:
    """After an outage of the database the owner gets a moment to renew."""
    time = Time()
    one, two = Stand(store, time, "one"), Stand(store, time, "two")
    await one.begin()
    await two.begin()
    found = Looks(row(store), iter(script))
    monkeypatch.setattr(two.part, "_seen", found)
    time.go(TERM.total_seconds())
    async with asyncio.timeout(LONGEST_SECONDS):
        await two.led.wait()
    assert found.count == looks
    assert two.part.loop.failures == script.count(AWAY)
    assert two.part.words.startswith("leads as two since")
    await asyncio.gather(one.end(), two.end())


async def test_what_was_given_back_is_taken_at_the_first_look(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = Time()
    one, two = Stand(store, time, "one"), Stand(store, time, "two")
    await one.begin()
    await two.begin()
    found = Looks(row(store).model_copy(update={"owner": ""}), iter([SILENT]))
    monkeypatch.setattr(two.part, "_seen", found)
    time.go(TERM.total_seconds())
    async with asyncio.timeout(LONGEST_SECONDS):
        await two.led.wait()
    assert found.count == 1
    await asyncio.gather(one.end(), two.end())


async def test_a_stand_by_stays_one_while_the_owner_shows_that_it_lives(store: Store) -> None:
    time = Time()
    one, two = Stand(store, time, "one"), Stand(store, time, "two")
    await one.begin()
    await two.begin()
    async with asyncio.timeout(LONGEST_SECONDS):
        for _ in range(3):
            time.go(TERM.total_seconds() - 1)
            await asyncio.to_thread(one.part.tenure.renew)
            while two.part.other != row(store):  # noqa: ASYNC110 -- a test that looks from outside
                await asyncio.sleep(0)
    assert not two.led.is_set()
    assert two.part.why() is None
    await asyncio.gather(one.end(), two.end())


async def test_who_does_not_stand_by_is_told_that_the_store_is_away(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = Time()
    one, two = Stand(store, time, "one"), Stand(store, time, "two")
    await one.begin()
    monkeypatch.setattr(two.part, "_seen", Looks(row(store), iter([AWAY])))
    with pytest.raises(StoreError, match="does not answer"):
        await two.begin(stand_by=False)
    await one.end()


async def test_who_is_alone_by_a_lock_has_nothing_to_say_and_renews_nothing(store: Store) -> None:
    time, led = Time(), list[str]()
    part = Leading(
        tenure(store, time, "one", None), Loop(LoopName.LEASE, time.clock), "`aiops serve`"
    )

    async def lead() -> None:
        led.append("one")

    await part.begin(lead, stand_by=False)
    assert (led, part.words, part.leads, part._keeper) == (["one"], "", True, None)
    await asyncio.to_thread(part.end)


async def test_a_stand_by_that_sees_no_owner_says_so(store: Store) -> None:
    time = Time()
    one = Stand(store, time, "one")
    assert one.part.words == "stands by: nobody leads"
    await one.begin()
    one.part.leads, one.part.other = False, row(store).model_copy(update={"owner": ""})
    assert one.part.words == "stands by: nobody leads"
    await one.end()
