"""A loop never ends silently: any error is logged once a minute, counted, and tried again."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Never

import pytest
from dbos._error import DBOSWorkflowCancelledError
from sqlalchemy.exc import OperationalError

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.bootstrap.application import Overrides, application
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import AiopsError, NotifyError, StoreError
from aiops_agent.domain.event import Event
from aiops_agent.domain.notice import Notice, Receipt
from aiops_agent.interfaces.cli.call import Call, Flags
from aiops_agent.interfaces.cli.serve import Screen
from aiops_agent.ports.store import Store, Work
from aiops_agent.settings.sections import Settings
from aiops_agent.workflow.alarm import ALARM_SECONDS, TroubleAlarm
from aiops_agent.workflow.engine import StalledWorkflowMonitor
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.loops import (
    LOG_SECONDS,
    SILENT_SECONDS,
    STUCK_SECONDS,
    Loop,
    LoopName,
    Loops,
    each,
)
from aiops_agent.workflow.queries import Queries
from aiops_agent.workflow.ready import Readiness
from tests import seams
from tests.contracts.samples import an_event

FULL = OperationalError("INSERT", {}, Exception("database or disk is full"))
KINDS = (
    FULL,
    sqlite3.OperationalError("disk I/O error"),
    StoreError("The disk is full."),
    OSError(28, "No space left on device"),
    KeyError("labels"),
    RecursionError(),
    MemoryError(),
    TimeoutError(),
    asyncio.CancelledError(),  # from inside: nobody cancelled the loop
    DBOSWorkflowCancelledError("gone"),  # no Exception
    BaseExceptionGroup("both", [asyncio.CancelledError(), ValueError("x")]),
)


@dataclass
class Hands:
    """A clock in seconds that is moved by hand."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Turns:
    """Raises what it is given, one a turn, then works; `taken` counts."""

    errors: list[BaseException]
    taken: int = 0
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> None:
        self.taken += 1
        if self.errors:
            raise self.errors.pop(0)
        self.enough.set()


async def no_wait() -> None:
    await asyncio.sleep(0)


def a_loop(clock: Hands | None = None) -> Loop:
    return Loop(LoopName.ANSWERS, clock or Hands())


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not reached():  # noqa: ASYNC110 -- a test that looks from outside
            await asyncio.sleep(0)


@pytest.mark.parametrize("error", KINDS, ids=lambda error: type(error).__name__)
async def test_whatever_is_raised_the_next_turn_comes(error: BaseException) -> None:
    turns, loop = Turns([error] * 3), a_loop()
    running = asyncio.create_task(loop.run(turns, no_wait))
    async with asyncio.timeout(5):
        await turns.enough.wait()
        await no_wait()
    assert (turns.taken >= 4, loop.failures, loop.why, running.done()) == (True, 3, "", False)
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()


async def test_a_loop_that_catches_one_class_of_errors_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def tried(self: Loop, turn: Callable[[], Any]) -> bool:
        try:
            await turn()
        except AiopsError as error:
            self.failed(error)
        return True

    seams.TRIED.plant(monkeypatch, tried)
    with pytest.raises(OperationalError):
        await a_loop().run(Turns([FULL]), no_wait)


async def test_a_cancelled_loop_ends_though_its_turn_swallows_that() -> None:
    inside = asyncio.Event()

    async def swallows() -> None:
        inside.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise StoreError("The disk is full.") from None

    running = asyncio.create_task(a_loop().run(swallows, no_wait))
    await inside.wait()
    running.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait({running})


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
async def test_the_end_of_the_process_is_no_failure(error: BaseException) -> None:
    with pytest.raises(type(error)):
        await a_loop().tried(Turns([error]))


async def test_what_fails_each_second_is_logged_once_a_minute_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, loops = Hands(), Loops(Hands())
    loops.clock = clock
    loop = loops.begin(LoopName.INBOX)
    with caplog.at_level(logging.WARNING):
        for second in range(150):
            clock.at = second
            await loop.tried(Turns([OSError(28, f"no {second}")]))
            if second % 7 == 0:
                await loop.tried(Turns([]))  # works again for a moment
    assert len(caplog.records) == 150 // LOG_SECONDS + 1
    assert loops.failures()[LoopName.INBOX] == 150
    loops.begin(LoopName.INBOX)
    assert loops.failures()[LoopName.INBOX] == 150, "a new engine forgets nothing"
    assert set(loops.failures()) == set(LoopName)


async def test_trouble_is_more_than_a_hiccup_or_a_silence() -> None:
    clock = Hands()
    loop = a_loop(clock)
    await loop.tried(Turns([FULL]))
    assert (loop.trouble, 0 < loop.troubled < 0.1) == ("", True)
    clock.at = 5
    await loop.tried(Turns([FULL]))
    assert "answers has failed for 5 s: OperationalError" in loop.trouble
    await loop.tried(Turns([]))
    assert (loop.trouble, loop.troubled) == ("", 0.0)
    clock.at += SILENT_SECONDS + 1
    assert "hangs: 61 s" in loop.trouble


@pytest.mark.parametrize(
    ("seconds", "stuck"), [(STUCK_SECONDS - 0.1, False), (STUCK_SECONDS, True)]
)
async def test_a_loop_is_stuck_after_two_seconds_of_failures_in_a_row(
    seconds: float, stuck: bool
) -> None:
    clock = Hands()
    loop = a_loop(clock)
    await loop.tried(Turns([FULL]))
    clock.at = 50
    await loop.tried(Turns([]))
    await loop.tried(Turns([FULL]))
    clock.at += seconds
    assert bool(loop.trouble) is stuck


@pytest.mark.parametrize(
    ("silent", "seconds", "hangs"),
    [(SILENT_SECONDS, 60, False), (SILENT_SECONDS, 60.5, True), (None, 1e9, False)],
)
def test_a_loop_hangs_after_a_minute_of_silence_unless_it_waits_for_others(
    silent: float | None, seconds: float, hangs: bool
) -> None:
    clock = Hands()
    loop = Loop(LoopName.NOTICES, clock, silent=silent)
    clock.at = seconds
    assert bool(loop.troubled) is hangs


def test_the_names_of_loops_are_a_promise_to_whoever_watches_the_metric() -> None:
    assert {name.value for name in LoopName} == {
        *("alarm", "answers", "execution", "feed", "inbox", "lease", "left_behind"),
        *("notices", "platform", "pruning", "releases", "screen", "senders", "stories"),
        *("traces", "vectors", "watch"),
    }


async def test_a_sign_of_life_is_of_all_loops_of_that_name_and_of_no_other() -> None:
    clock = Hands()
    loops = Loops(clock)
    first, second = loops.begin(LoopName.NOTICES, "a"), loops.begin(LoopName.NOTICES, "b")
    other = loops.begin(LoopName.INBOX)
    clock.at = 100
    loops.alive(LoopName.NOTICES)
    assert (first.troubled, second.troubled, other.troubled) == (0, 0, 100)


async def test_one_that_fails_holds_up_no_other() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        if number in (1, 2):
            raise FULL if number == 1 else ValueError("second")
        done.append(number)

    with pytest.raises(OperationalError):
        await each(range(5), work)
    assert done == [0, 3, 4]


async def test_one_dead_story_that_cannot_be_mended_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mended: list[str] = []

    async def mend(_self: object, incident: str) -> None:
        if incident == "INC-0001":
            raise FULL
        mended.append(incident)

    monkeypatch.setattr(StalledWorkflowMonitor, "_mend", mend)
    story: Any = type("Story", (), {"alive": ()})
    clock = Hands()
    deps: Any = None
    monitor = StalledWorkflowMonitor(deps, story, clock)
    names: Any = ["INC-0001", "INC-0002"]
    await monitor.check(names)
    clock.at = 60
    with pytest.raises(OperationalError):
        await monitor.check(names)
    assert mended == ["INC-0002"]


@dataclass
class FakePager:
    """A notifier that is as deaf as a test wants."""

    name: str = "pager"
    deaf: bool = False
    told: list[Notice] = field(default_factory=list)

    async def tell(self, notice: Notice) -> Receipt:
        if self.deaf:
            raise NotifyError("The pager is off.", retry=True)
        self.told.append(notice)
        return Receipt(channel=self.name, id=notice.key, at=notice.at)


async def test_people_are_told_once_of_a_loop_in_trouble() -> None:
    clock = Hands()
    loops = Loops(clock)
    loop, fine = loops.begin(LoopName.NOTICES, "docker:local webhook"), loops.begin(LoopName.FEED)
    pager, deaf = FakePager(), FakePager("deaf", deaf=True)
    here = EnvironmentRef.parse("docker:local")
    alarm = TroubleAlarm(loops, (deaf, pager), here, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    for second in range(0, int(ALARM_SECONDS) * 3, 5):
        clock.at = second
        loop.failed(FULL)
        fine.well()
        try:
            await alarm.look()
        except NotifyError:
            assert second >= ALARM_SECONDS
    (notice,) = pager.told
    assert "The loop notices (docker:local webhook) has failed for 60 s" in notice.what
    deaf.deaf = False
    await alarm.look()
    assert len(deaf.told) == 1
    loop.well()
    await alarm.look()
    loop.failed(FULL)
    clock.at += ALARM_SECONDS
    await alarm.look()
    assert len(pager.told) == 2, "new trouble is told anew"


async def test_the_feed_goes_on_after_any_error(store: SqlStore) -> None:
    @dataclass
    class Bus(Queries):
        broken: bool = True

        def newest_event(self) -> int:
            if self.broken:
                raise sqlite3.OperationalError("disk I/O error")
            return super().newest_event()

    bus, loops = Bus(store), Loops()
    feed = Feed(bus, loops)
    batches = feed.follow(0)
    coming = asyncio.create_task(anext(batches))
    await until(lambda: bool(loops.failures()[LoopName.FEED]))
    bus.broken = False
    assert await coming == ()
    await until(lambda: not loops.troubled()[LoopName.FEED])
    await batches.aclose()
    assert not list(loops)


# --- /readyz -----------------------------------------------------------------------------------


@dataclass
class OddStore:
    """A store that opens transactions as a test wants."""

    opens: Callable[[], AbstractContextManager[Work]]

    def begin(self) -> AbstractContextManager[Work]:
        return self.opens()

    def read(self) -> Never:
        raise AssertionError("nobody reads here")


def ready(store: Any, loops: Loops | None = None) -> Readiness:
    found: Store = store
    return Readiness(found, loops or Loops(), lambda: True)


async def test_ready_means_that_a_write_was_taken(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await Readiness(store, Loops()).look() == (False, "The engine does not run.")
    assert await ready(store).look() == (True, "ready")
    second = Readiness(store, Loops(), lambda: True, lambda: "stands by: x leads")
    assert await second.look() == (True, "ready; stands by: x leads")

    def full(_self: object) -> None:
        raise FULL

    seams.ATTEMPT.plant(monkeypatch, full)  # it opens a transaction all right
    told, why = await ready(store).look()
    assert (told, "full" in why) == (False, True)


async def test_a_store_that_breaks_in_a_new_way_makes_not_ready_and_breaks_no_answer() -> None:
    def breaks() -> Never:
        raise ValueError("a defect")

    assert await ready(OddStore(breaks)).look() == (False, "The store cannot be asked: a defect.")


async def test_ready_is_answered_in_time_by_a_store_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held, asked = threading.Event(), []

    def hangs() -> AbstractContextManager[Any]:
        asked.append(1)
        held.wait(20)
        return nullcontext(type("Work", (), {"inbox": type("I", (), {"attempt": lambda: None})}))

    monkeypatch.setattr("aiops_agent.workflow.ready.PATIENCE_SECONDS", 0.05)
    one = ready(OddStore(hangs))
    answers = await asyncio.gather(*(one.look() for _ in range(100)))
    assert {told for told, _ in answers} == {False}
    assert "has not taken a record" in answers[0][1]
    assert len(asked) == 1, "one thread hangs, not a hundred"
    held.set()


async def test_one_write_answers_all_who_ask_within_a_second(store: SqlStore) -> None:
    clock, tried = Hands(), []

    def opens() -> AbstractContextManager[Work]:
        tried.append(clock.at)
        return store.begin()

    one = ready(OddStore(opens), Loops(clock))
    for clock.at in (5.0, 5.0, 5.9, 6.0, 6.9, 7.0):
        assert await one.look() == (True, "ready")
    assert tried == [5.0, 6.0, 7.0]


@pytest.mark.parametrize("name", [LoopName.INBOX, LoopName.NOTICES])
async def test_only_a_stuck_inbox_makes_not_ready(store: SqlStore, name: LoopName) -> None:
    clock = Hands()
    loops = Loops(clock)
    loop, one = loops.begin(name), ready(store, loops)
    loop.failed(FULL)
    assert (await one.look())[0], "one hiccup"
    clock.at = 3
    loop.failed(FULL)
    assert (await one.look())[0] is (name is not LoopName.INBOX)
    loop.well()
    assert await one.look() == (True, "ready")


async def test_the_inbox_of_a_serving_engine_outlives_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, turns = True, 0

    async def handle(*_given: object) -> int:
        nonlocal turns
        turns += 1
        if full:
            raise FULL
        return 0

    seams.HANDLE.plant(monkeypatch, handle)
    monkeypatch.setattr("aiops_agent.workflow.engine.SLOW_POLL_SECONDS", 0.01)
    monkeypatch.setattr("aiops_agent.workflow.loops.STUCK_SECONDS", 0.0)
    built = application(Settings(state_dir=tmp_path), Overrides(name=tmp_path.name))
    try:
        async with built.engine("serve"):
            await until(lambda: turns >= 3)
            told, why = await built.readiness.look()
            assert (told, "database or disk is full" in why) == (False, True)
            full = False
            await until(lambda: not built.loops.trouble(LoopName.INBOX))
            assert (await built.readiness.look())[0]
            assert built.loops.failures()[LoopName.INBOX] >= 3
    finally:
        built.close()


async def test_the_screen_of_serve_goes_on_where_the_store_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = Call(Flags(no_color=True))
    call.__dict__["application"] = built = application(
        Settings(state_dir=tmp_path), Overrides(name=tmp_path.name)
    )
    events = [an_event(f"e{number}", message=f"said-{number}.") for number in range(3)]
    with built.store.begin() as work:
        work.events.append_all(events)
    whole, failed = built.feed.follow, False

    async def breaks(cursor: int) -> AsyncGenerator[tuple[Event, ...], None]:
        nonlocal failed
        async for found in whole(cursor):
            for event in found:
                yield (event,)
                if not failed:
                    failed = True
                    raise FULL

    built.feed.follow = breaks  # type: ignore[method-assign, assignment]  # fails behind one event
    screen = Screen(call, 0)
    loop = built.loops.begin(LoopName.SCREEN, silent=None)
    running = asyncio.create_task(loop.run(lambda: screen.run(loop.well), no_wait))
    await until(lambda: screen.cursor == 3)
    running.cancel()
    await asyncio.wait({running})
    built.close()
    printed = capsys.readouterr().out
    assert [printed.count(f"said-{number}.") for number in range(3)] == [1, 1, 1]
