"""One feed for all: no event is lost or doubled, whoever comes, goes or dawdles."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.event import Event
from aiops_agent.domain.payload import EventType
from aiops_agent.workflow import feed as feeding
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.loops import Loop, LoopName
from aiops_agent.workflow.queries import Queries
from tests import seams
from tests.contracts.payloads import PAYLOADS
from tests.contracts.samples import an_event

MANY = 120


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "LIVELY", timedelta(milliseconds=5))
    monkeypatch.setattr(feeding, "QUIET", timedelta(milliseconds=20))
    monkeypatch.setattr(feeding, "GRACE", timedelta(milliseconds=40))


def write(store: SqlStore, *keys: int) -> None:
    with store.begin() as work:
        for key in keys:
            work.events.append(an_event(f"k{key}"))


async def read_in_parts(feed: Feed, chance: random.Random) -> list[int]:
    """Read all MANY events, leaving and coming back to the cursor in between."""
    seen: list[int] = []
    while len(seen) < MANY:
        async with aclosing(feed.follow(seen[-1] if seen else 0)) as batches:
            stay = chance.randrange(1, 4)
            async for found in batches:
                seen += [event.id for event in found]
                await asyncio.sleep(chance.random() / 100)
                stay -= 1
                if not stay or len(seen) >= MANY:
                    break
    return seen


async def seen_by_all(store: SqlStore) -> list[list[int]]:
    """Return what each of five readers saw while a writer wrote."""
    feed = Feed(Queries(store))
    readers = [asyncio.create_task(read_in_parts(feed, random.Random(seed))) for seed in range(5)]
    for first in range(0, MANY, 3):
        await asyncio.to_thread(write, store, first, first + 1, first + 2)
        await asyncio.sleep(0)
    return await asyncio.wait_for(asyncio.gather(*readers), 60)


async def test_no_event_is_lost_or_doubled_by_coming_and_going(store: SqlStore) -> None:
    assert await seen_by_all(store) == [list(range(1, MANY + 1))] * 5


async def test_a_feed_that_begins_with_the_newest_event_is_caught(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted defect: who comes hears only what happens from now on."""
    right = Feed.follow

    def deaf(self: Feed, cursor: int = 0, incident: str | None = None) -> object:
        return right(self, self._bus.newest_event(), incident)

    await asyncio.to_thread(write, store, *range(MANY - 1))
    seams.FOLLOW.plant(monkeypatch, deaf)
    reading = asyncio.create_task(read_in_parts(Feed(Queries(store)), random.Random(1)))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(write, store, MANY)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(reading, 0.3)
    assert reading.cancelled()


async def test_one_poller_runs_for_all_readers_and_none_without(store: SqlStore) -> None:
    feed = Feed(Queries(store))

    def pollers() -> int:
        return sum(task.get_name() == "feed" for task in asyncio.all_tasks())

    async with aclosing(feed.follow()) as one, aclosing(feed.follow()) as other:
        await anext(one)
        await anext(other)
        assert pollers() == 1
    await asyncio.sleep(0)
    assert pollers() == 0


async def test_an_incident_is_followed_to_its_report(store: SqlStore) -> None:
    feed = Feed(Queries(store))
    with store.begin() as work:
        work.events.append(an_event("other", incident="INC-0002"))
        work.events.append(an_event("opened"))
        work.events.append(an_event("end", payload=PAYLOADS[EventType.REPORT_WRITTEN]))

    told: list[Event] = [event async for event in feed.incident("INC-0001")]

    assert [event.key for event in told] == ["opened", "end"]


async def test_a_store_that_goes_away_is_told_to_its_readers(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object, *__: object) -> None:
        raise StoreError("The store is locked.")

    async with aclosing(Feed(Queries(store)).follow()) as batches:
        assert await anext(batches) == ()
        monkeypatch.setattr(Queries, "events", away)
        monkeypatch.setattr(Queries, "newest_event", away)
        with pytest.raises(StoreError):
            await anext(batches)


async def test_news_wakes_all_readers_at_once(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "QUIET", timedelta(hours=1))
    feed = Feed(Queries(store))
    async with aclosing(feed.follow()) as one, aclosing(feed.follow()) as other:
        for number in range(1, 4):
            waiting = [asyncio.ensure_future(anext(reader)) for reader in (one, other)]
            await asyncio.sleep(0.02)  # both wait by now, and the poller has seen nothing new
            await asyncio.to_thread(write, store, number)
            async with asyncio.timeout(10):
                found = await asyncio.gather(*waiting)
            assert [[event.id for event in batch] for batch in found] == [[number]] * 2


async def test_the_store_is_looked_at_seldom_while_nothing_happens(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "LIVELY", timedelta(seconds=1))
    monkeypatch.setattr(feeding, "IDLE", timedelta(seconds=10))
    pauses, calm = list[float](), feeding.CALM.total_seconds()
    loop = Loop(LoopName.FEED, lambda: 0.0)

    async def rests(look: Callable[[], Awaitable[object]], rest: Callable[[], Any]) -> None:
        for turn in range(12):
            if turn == 8:
                await asyncio.to_thread(write, store, turn)
            await look()
            await rest()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(loop, "run", rests)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    await Feed(Queries(store))._poll(loop)

    lively = [1.0] * int(calm)
    assert pauses[:8] == [*lively, *[10.0] * (8 - len(lively))]
    assert pauses[8:] == [*lively, *[10.0] * (4 - len(lively))], "an event makes it lively again"


async def test_an_incident_that_ended_is_followed_for_a_while_without_its_report(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "QUIET", timedelta(milliseconds=10))
    asked: list[bool] = []

    def found(_self: Queries, _name: str) -> Any:
        asked.append(len(asked) == 2)
        return SimpleNamespace(ended=asked[-1])

    monkeypatch.setattr(Queries, "incident", found)
    with store.begin() as work:
        work.events.append(an_event("opened"))
    quiet: list[str] = []

    async def lives(name: str) -> str:
        quiet.append(name)
        return ""

    told = [event.key async for event in Feed(Queries(store)).incident("INC-0001", lives)]

    assert told == ["opened"]
    assert asked == [False, False, True], "from GRACE on, at each quiet moment"
    assert len(quiet) == 5, "and from the first quiet moment on it is asked whether somebody works"


async def test_what_comes_between_the_last_look_and_the_end_is_told(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a long wait for a person all the rest may happen between two looks."""
    write(store, 1)

    def found(_self: Queries, _name: str) -> Any:
        write(store, 2, 3)
        return SimpleNamespace(ended=True)

    monkeypatch.setattr(Queries, "incident", found)

    followed = aclosing(Feed(Queries(store)).incident("INC-0001"))
    async with followed as events:
        told = [(await anext(events)).key for _ in range(3)]

    assert told == ["k1", "k2", "k3"]


async def test_a_story_that_died_is_told_to_who_follows_it(store: SqlStore) -> None:
    with store.begin() as work:
        work.events.append(an_event("opened"))

    async def died(name: str) -> str:
        return f"{name} broke"

    following = Feed(Queries(store)).incident("INC-0001", died)
    assert (await anext(following)).key == "opened"
    with pytest.raises(StoreError, match="INC-0001 died by an error of ours: INC-0001 broke"):
        await anext(following)
    await following.aclose()
