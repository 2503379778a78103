"""A trace is sent when its incident ends: once, whole, and by whoever runs then."""

import asyncio
from dataclasses import dataclass, field

import pytest

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import NotifyError, StoreError
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.trace import Trace
from aiops_agent.workflow import traces as sending_module
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.queries import Queries
from aiops_agent.workflow.traces import Traces
from tests.contracts.payloads import PAYLOADS
from tests.safety.plans import an_incident
from tests.workflow.place import HERE, Place
from tests.workflow.test_notices import happens

SHOP = EnvironmentRef.parse("shop:demo")


@dataclass
class Receiver:
    """A sink that fails as often as it is told to, for good or for the moment."""

    fails: int = 0
    retry: bool = True
    got: list[Trace] = field(default_factory=list)

    async def send(self, trace: Trace) -> None:
        if self.fails:
            self.fails -= 1
            raise NotifyError("It is away.", retry=self.retry)
        self.got.append(trace)


def sending(place: Place, receiver: Receiver, *, simulated: bool = False) -> Traces:
    return Traces(place.store, Feed(Queries(place.store)), receiver, simulated)


def lives(place: Place, environment: EnvironmentRef = HERE) -> None:
    """Tell every type of event, the end and the report among them."""
    for kind in PAYLOADS:
        happens(place, kind, environment=environment)


async def test_an_incident_is_sent_once_when_it_ended(place: Place) -> None:
    receiver = Receiver()
    happens(place, EventType.INCIDENT_OPENED)
    await sending(place, receiver).catch_up()
    before = list(receiver.got)
    lives(place)
    for _ in range(3):  # a replay, another process: the bus says the same
        await sending(place, receiver).catch_up()

    assert before == []
    assert [trace.incident for trace in receiver.got] == [an_incident().id]


async def test_a_second_sending_after_a_crash_brings_the_same_ids(place: Place) -> None:
    lives(place)
    receiver = Receiver()
    traces = sending(place, receiver)
    [ended] = list(place.events(EventType.REPORT_WRITTEN))
    await traces.sink.send(traces._trace(ended.incident))  # sent, and dead before it was noted
    await traces.catch_up()

    first, again = receiver.got
    assert first == again


async def test_a_collector_that_is_away_gets_it_after_the_next_start(place: Place) -> None:
    lives(place)
    receiver = Receiver(fails=1)
    await sending(place, receiver).catch_up()
    missed = list(receiver.got)
    await sending(place, receiver).catch_up()

    assert missed == []
    assert len(receiver.got) == 1


async def test_a_trace_that_is_refused_holds_up_no_other(place: Place) -> None:
    lives(place)
    receiver = Receiver(fails=1, retry=False)
    await sending(place, receiver).catch_up()
    await sending(place, receiver).catch_up()

    assert receiver.got == []


@pytest.mark.parametrize(("environment", "simulated"), [(HERE, False), (SHOP, True)])
async def test_each_role_sends_its_own(
    place: Place, environment: EnvironmentRef, simulated: bool
) -> None:
    lives(place, environment)
    mine, others = Receiver(), Receiver()
    await sending(place, mine, simulated=simulated).catch_up()
    await sending(place, others, simulated=not simulated).catch_up()

    assert (len(mine.got), len(others.got)) == (1, 0)


async def test_what_ended_before_it_was_switched_on_is_not_sent(place: Place) -> None:
    lives(place)
    receiver = Receiver()
    traces = sending(place, receiver)
    traces.begin()
    await traces.catch_up()

    assert receiver.got == []


async def test_the_next_start_goes_on_where_the_first_one_stopped(place: Place) -> None:
    """Also when the first one began with an empty store and could send nothing."""
    away, receiver = Receiver(fails=99), Receiver()
    first = sending(place, away)
    first.begin()
    lives(place)
    await first.catch_up()
    second = sending(place, receiver)
    second.begin()
    await second.catch_up()

    assert len(receiver.got) == 1


async def test_a_running_export_waits_for_its_collector_and_shows_that_it_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending_module, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(sending_module, "LONGEST_PAUSE_SECONDS", 0.0)
    receiver, beats = Receiver(fails=3), list[int]()
    traces = sending(place, receiver)
    traces.begin()
    lives(place)
    running = asyncio.create_task(traces.run(lambda: beats.append(1)))
    async with asyncio.timeout(20):
        while not receiver.got:  # noqa: ASYNC110 -- a test that looks from outside
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.wait({running})
    assert (receiver.fails, len(receiver.got), bool(beats)) == (0, 1, True)


async def test_a_store_that_goes_away_is_told_to_the_loop_of_the_export(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_given: object) -> None:
        raise StoreError("The store is locked.")

    traces = sending(place, Receiver())
    traces.begin()
    lives(place)
    monkeypatch.setattr(Traces, "_trace", away)
    with pytest.raises(StoreError, match="locked"):
        async with asyncio.timeout(20):
            await traces.run()


async def test_a_trace_that_is_not_taken_now_is_followed_by_no_later_one(place: Place) -> None:
    """Else the cursor would pass it by, and it would never be sent."""
    receiver = Receiver(fails=1)
    for name in ("INC-0001", "INC-0002"):
        happens(place, EventType.REPORT_WRITTEN, incident=name)
    await sending(place, receiver).catch_up()
    assert receiver.got == []
    await sending(place, receiver).catch_up()
    assert [trace.incident for trace in receiver.got] == ["INC-0001", "INC-0002"]
