"""One process at a time writes for the stories, whoever is stopped, late or cut off."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiops_agent.domain.errors import BusyError, LeaseLost, NotifyError, StoreError
from aiops_agent.domain.lease import Lease
from aiops_agent.domain.notice import Receipt
from aiops_agent.ports.store import Store
from aiops_agent.workflow import leading
from aiops_agent.workflow.leading import Leading
from aiops_agent.workflow.lease import TERM, FencedNotifier, FencedStore, Tenure, seen
from aiops_agent.workflow.loops import Loop, LoopName
from aiops_agent.workflow.patience import patiently
from tests import seams
from tests.contracts.samples import an_incident
from tests.workflow.place import START

NAME = "serve"


@dataclass
class Time:
    """The database's clock, which every process asks, and beside it that of the machines."""

    at: datetime = START
    ran: float = 0.0

    def go(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.ran += seconds

    def now(self) -> datetime:
        return self.at

    def clock(self) -> float:
        return self.ran


def tenure(store: Store, time: Time, owner: str, term: timedelta | None = TERM) -> Tenure:
    return Tenure(store, NAME, owner, time.now, term, time.clock)


def test_while_one_holds_it_nobody_else_does_and_then_the_next(store: Store) -> None:
    time = Time()
    told: list[str] = []
    one, two = tenure(store, time, "one"), tenure(store, time, "two")
    one.lost = told.append
    assert (one.take(), two.take()) == (True, False)
    time.go(TERM.total_seconds() - 1)
    one.renew()
    time.go(TERM.total_seconds() - 1)
    assert not two.take()
    time.go(1)
    assert two.take()
    assert (one.lease and one.lease.fence, two.lease and two.lease.fence) == (1, 2)
    for _ in range(2):
        with pytest.raises(LeaseLost, match=r"two since .* holds the lease of 'serve' by now"):
            one.renew()
    assert told == [one.gone]
    assert one.refused == 2
    assert seen(store, NAME, time.at) == (two.lease, True)


def test_who_was_away_goes_on_when_nobody_came(store: Store) -> None:
    time = Time()
    one = tenure(store, time, "one")
    one.take()
    time.go(3600)
    assert not seen(store, NAME, time.at)[1]
    one.renew()
    found, held = seen(store, NAME, time.at)
    assert (found and found.fence, held) == (1, True)


def test_what_is_given_back_is_taken_at_once(store: Store) -> None:
    time = Time()
    one, two = tenure(store, time, "one"), tenure(store, time, "two")
    one.lost = pytest.fail
    one.take()
    one.give_back()
    with pytest.raises(LeaseLost):
        write(one)  # a step that is not dead yet: refused, and nothing to be told
    assert not seen(store, NAME, time.at)[1]
    assert two.take()
    one.give_back()  # not its own any more
    assert seen(store, NAME, time.at) == (two.lease, True)


def test_who_never_led_writes_renews_and_gives_back_nothing(store: Store) -> None:
    time = Time()
    one, two = tenure(store, time, "one"), tenure(store, time, "two")
    assert seen(store, NAME, time.at) == (None, False)
    with pytest.raises(LeaseLost, match="one does not lead"):
        one.renew()
    two.take()
    with pytest.raises(LeaseLost, match="one does not lead"):
        one.renew()
    one.give_back()
    assert seen(store, NAME, time.at) == (two.lease, True)


def test_who_was_away_while_others_came_and_went_learns_that_nobody_leads(store: Store) -> None:
    time = Time()
    one, two = tenure(store, time, "one"), tenure(store, time, "two")
    one.take()
    time.go(TERM.total_seconds())
    two.take()
    two.give_back()
    with pytest.raises(LeaseLost, match="Nobody holds the lease"):
        one.renew()
    with pytest.raises(LeaseLost, match="Nobody holds the lease"):
        one.sure()
    assert one.refused == 1, "the store was not asked again"


def test_who_holds_it_may_take_it_anew_under_the_next_fence(store: Store) -> None:
    time = Time()
    one = tenure(store, time, "one")
    assert (one.take(), one.take()) == (True, True)
    assert one.lease is not None
    assert one.lease.fence == 2


def test_behind_a_lock_of_the_system_whoever_comes_is_alone(store: Store) -> None:
    time = Time()
    one, two = tenure(store, time, "one", None), tenure(store, time, "two", None)
    assert (one.take(), two.take()) == (True, True)
    time.go(10**6)
    two.sure()
    assert seen(store, NAME, time.at) == (two.lease, True)


def write(tenure: Tenure) -> None:
    with FencedStore(tenure.store, tenure).begin() as work:
        work.incidents.put(an_incident())


def kept(store: Store) -> bool:
    with store.read() as view:
        return view.incidents.get(an_incident().id) is not None


def zombie(store: Store) -> Tenure:
    """Return the hold of a process that was stopped and wakes behind its time."""
    time = Time()
    one, two = tenure(store, time, "one"), tenure(store, time, "two")
    one.take()
    write(one)
    with store.begin() as work:
        work.incidents.put(an_incident(id="INC-0002"))
    time.go(TERM.total_seconds())
    two.take()
    return one


def test_a_former_owner_writes_nothing(store: Store) -> None:
    late = zombie(store)
    with pytest.raises(LeaseLost), FencedStore(store, late).begin() as work:
        work.incidents.put(an_incident(id="INC-0003"))
    with store.read() as view:
        assert view.incidents.get("INC-0003") is None


def test_a_store_that_does_not_look_at_the_fence_is_caught(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.FENCE.plant(monkeypatch, lambda _self, _work: None)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        test_a_former_owner_writes_nothing(store)


def test_what_is_begun_shortly_before_the_end_of_the_term_renews_it(store: Store) -> None:
    time = Time()
    one = tenure(store, time, "one")
    one.take()
    before = seen(store, NAME, time.at)[0]
    time.go(TERM.total_seconds() / 2 - 0.1)
    write(one)
    assert seen(store, NAME, time.at)[0] == before  # a write costs one look
    time.go(0.1)
    write(one)
    found = seen(store, NAME, time.at)[0]
    assert found is not None
    assert found.until == time.at + TERM


async def test_a_step_of_a_former_owner_waits_and_leaves_no_error_behind(store: Store) -> None:
    late = zombie(store)

    async def work() -> None:
        await asyncio.to_thread(write, late)

    with pytest.raises(TimeoutError):  # else DBOS would keep it, for the new owner to find
        await asyncio.wait_for(patiently("triaged", work), 0.1)


@dataclass
class Told:
    """A notifier that remembers whom it told."""

    name: str = "told"
    keys: list[str] = field(default_factory=list)

    async def tell(self, notice: Any) -> Receipt:
        self.keys.append(notice.key)
        return Receipt(channel=self.name, id=notice.key, at=START)


async def test_a_former_owner_tells_nobody(store: Store) -> None:
    time, told = Time(), Told()
    one, two = tenure(store, time, "one"), tenure(store, time, "two")
    mouth = FencedNotifier(told, one)
    notice: Any = SimpleNamespace(key="k")
    one.take()
    assert (mouth.name, (await mouth.tell(notice)).id) == ("told", "k")
    time.go(TERM.total_seconds())
    await mouth.tell(notice)  # nobody came: it was renewed first
    time.go(TERM.total_seconds())
    two.take()
    with pytest.raises(NotifyError) as refused:
        await mouth.tell(notice)
    assert (told.keys, refused.value.retry) == (["k", "k"], True)


# Any interleaving of processes: they take, renew, write and give back, and time passes.


@dataclass
class Memory:
    """A store of one lease, in memory; `time` is its clock."""

    time: Time
    row: Lease | None = None
    fences: list[int] = field(default_factory=list)

    def get(self, _name: str) -> Lease | None:
        return self.row

    def put(self, lease: Lease) -> None:
        self.row = lease
        self.fences.append(lease.fence)

    @contextmanager
    def begin(self) -> Iterator[Any]:
        yield SimpleNamespace(leases=self, clock=SimpleNamespace(now=lambda _wall: self.time.at))

    read = begin


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["take", "renew", "write", "give back", "go"])),
    min_size=3,
    max_size=60,
)


def interleave(steps: list[tuple[int, str]], lengths: list[int]) -> None:
    """Let three processes do that; fail when two hold the lease, or one writes without it."""
    time = Time()
    store: Any = Memory(time)
    all_of_them = [tenure(store, time, name) for name in "abc"]
    until: dict[str, datetime] = {}  # as each was told, by the database's clock
    for number, (who, what) in enumerate(steps):
        one = all_of_them[who]
        if what == "go":
            time.go(lengths[number % len(lengths)])
        elif what == "take" and one.take():
            assert all(end <= time.at for name, end in until.items() if name != one.owner)
            until[one.owner] = time.at + TERM
        elif what == "give back":
            one.give_back()
            until.pop(one.owner, None)
        elif what in ("renew", "write"):
            owner = store.row.owner if store.row else ""
            try:
                one.renew() if what == "renew" else one.check(store_work(store))
            except LeaseLost:
                until.pop(one.owner, None)
            else:
                assert owner == one.owner, "it was another's, and it went on"
                until[one.owner] = store.row.until
        assert sum(end > time.at for end in until.values()) <= 1, "two hold it"
        assert store.fences == sorted(store.fences), "a fence went back"
    taken = [one.lease.fence for one in all_of_them if one.lease]
    assert len(set(taken)) == len(taken), "two have the same fence"


def store_work(store: Memory) -> Any:
    with store.begin() as work:
        return work


@settings(max_examples=100)
@given(STEPS, st.lists(st.integers(0, 12), min_size=1, max_size=8))
def test_never_two_hold_it_and_fences_only_rise(
    steps: list[tuple[int, str]], lengths: list[int]
) -> None:
    interleave(steps, lengths)


def test_a_renewal_that_does_not_look_whose_it_is_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seams.MINE.plant(monkeypatch, lambda _self, _known: True)
    with pytest.raises(AssertionError, match="it was another's"):
        interleave([(0, "take"), (0, "go"), (1, "take"), (0, "renew")], [9])


# Leading and standing by.


@dataclass
class Stand:
    """One process on a store; what it does when it leads is written down."""

    store: Store
    time: Time
    owner: str
    led: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        held = tenure(self.store, self.time, self.owner)
        self.part = Leading(held, Loop(LoopName.LEASE, self.time.clock), "`aiops serve`")

    async def lead(self) -> None:
        self.led.set()

    async def begin(self, *, stand_by: bool = True) -> None:
        await self.part.begin(self.lead, stand_by=stand_by)

    async def end(self) -> None:
        await self.part.stand_down()
        await asyncio.to_thread(self.part.end)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look without a pause, and renew only when the test says so."""
    monkeypatch.setattr(leading, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(leading, "RENEW_SECONDS", 3600.0)


@pytest.mark.usefixtures("quick")
async def test_a_stand_by_leads_when_the_owner_is_silent_and_the_owner_ends(store: Store) -> None:
    time = Time()
    one, two = Stand(store, time, "one"), Stand(store, time, "two")
    await one.begin()
    assert one.part.words.startswith("leads as one since 2026-11-24")
    await two.begin()
    assert two.part.words.startswith("stands by: one since")
    assert (one.led.is_set(), two.led.is_set()) == (True, False)
    time.go(TERM.total_seconds())
    await asyncio.wait_for(two.led.wait(), 10)
    with pytest.raises(asyncio.CancelledError):
        await late(one)
    assert isinstance(one.part.why(), LeaseLost)
    assert one.part.why() is None
    await asyncio.gather(one.end(), two.end())
    assert seen(store, NAME, time.at)[1] is False, "two gave it back"


async def late(one: Stand) -> None:
    """Wake behind one's time, and wait for whatever comes."""
    with pytest.raises(LeaseLost):
        await asyncio.to_thread(one.part.tenure.renew)
    await asyncio.Event().wait()


@pytest.mark.usefixtures("quick")
async def test_a_stand_by_takes_over_at_once_from_who_ends_well(store: Store) -> None:
    time = Time()
    one, two = Stand(store, time, "one"), Stand(store, time, "two")
    await one.begin()
    await two.begin()
    await one.end()
    await asyncio.wait_for(two.led.wait(), 10)
    await two.end()


@pytest.mark.usefixtures("quick")
async def test_who_cannot_stand_by_is_told_who_lives(store: Store) -> None:
    time = Time()
    one, two = Stand(store, time, "one"), Stand(store, time, "two")
    await one.begin()
    waiting = asyncio.ensure_future(two.begin(stand_by=False))
    while two.part.other is None:  # noqa: ASYNC110 -- a test that looks from outside
        await asyncio.sleep(0)
    time.go(1)
    await asyncio.to_thread(one.part.tenure.renew)
    with pytest.raises(BusyError, match="one already runs `aiops serve` on this store"):
        await waiting
    await one.end()


@pytest.mark.usefixtures("quick")
async def test_a_stand_by_that_cannot_lead_ends_and_says_why(store: Store) -> None:
    time = Time()
    one, two = Stand(store, time, "one"), Stand(store, time, "two")
    await one.begin()

    async def broken() -> None:
        raise StoreError("no space")

    await two.part.begin(broken, stand_by=True)
    await one.end()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.Event().wait()
    assert str(two.part.why()) == "no space"
    await two.end()
