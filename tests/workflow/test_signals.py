"""The watch lists what is worse than usual, opens what hurts, and never acts on that alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from aiops_agent.domain.answer import STATISTICS, Answer, Effort
from aiops_agent.domain.approval import Ruling
from aiops_agent.domain.diagnosis import Triage, TriageVerdict
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.telemetry import (
    Objective,
    Series,
    Service,
    ServiceGraph,
    ServiceName,
    Signal,
    Window,
)
from aiops_agent.domain.watch import MOST_OPENED, WatchMode, WatchRecord
from aiops_agent.settings.watch import WatchSettings
from aiops_agent.workflow.executor_steps import Busy, ExecutorSteps
from aiops_agent.workflow.receive import Receive
from aiops_agent.workflow.recorder import IncidentRecorder
from aiops_agent.workflow.signals import LOOK_SECONDS, SignalWatch
from tests import seams
from tests.safety.plans import a_plan
from tests.workflow.place import CALLS, HERE, NAMES, START, Company, Place, an_alert

USUAL = {Signal.LATENCY: 0.1, Signal.TRAFFIC: 50.0, Signal.ERRORS: 0.001, Signal.SATURATION: 0.4}
STEP = timedelta(seconds=15)
PAYMENTS = NAMES[1]
BY = Effort(by=STATISTICS)
PROMISE = Objective(latency=0.3)


@dataclass
class Signals:
    """Metrics as usual, but for services that are slow since a moment."""

    slow: dict[str, datetime] = field(default_factory=dict)
    away: bool = False
    asked: list[Window] = field(default_factory=list)

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        if self.away:
            raise SourceError("They are away.")
        self.asked.append(window)
        first = -((START - window.start) // STEP)
        count = -((window.start - window.end) // STEP)
        times = tuple(START + STEP * (first + n) for n in range(count))
        return tuple(
            Series(service=service, signal=signal, times=times, source="s", query="q",
                   values=tuple(self._value(service, signal, at) for at in times))
            for service, signal in product(services, signals)
        )  # fmt: skip

    def _value(self, service: ServiceName, signal: Signal, at: datetime) -> float:
        since = self.slow.get(service)
        trouble = signal is Signal.LATENCY and since is not None and since <= at
        wobble = 1 + 0.02 * ((at.minute * 7 + at.second) % 11 - 5) / 5
        return USUAL[signal] * wobble * (6.0 if trouble else 1.0)


@dataclass(frozen=True)
class Promising(Company):
    """The company, whose every service promises 300 ms."""

    names: tuple[ServiceName, ...] = NAMES
    calls: tuple[tuple[ServiceName, ServiceName], ...] = CALLS
    objective: Objective = PROMISE

    async def graph(self) -> ServiceGraph:
        known = tuple(Service(name=name, objective=self.objective) for name in self.names)
        return ServiceGraph(services=known, calls=self.calls)


@pytest.fixture
def signals(place: Place) -> Signals:
    place.metrics = signals = Signals()
    place.topology = Promising()
    return signals


def watch(place: Place, mode: WatchMode = WatchMode.OPEN) -> SignalWatch:
    return SignalWatch(place.deps, HERE, mode)


async def minutes(place: Place, of: SignalWatch, count: float) -> WatchRecord:
    """Look each half minute and handle what came; return the last record."""
    found = []
    for _ in range(round(count * 60 / LOOK_SECONDS)):
        place.clock.go(seconds=LOOK_SECONDS)
        found.append(await of.look())
        await Receive(place.deps).handle(HERE)
    return found[-1]


def breaks(place: Place, signals: Signals, *services: str) -> None:
    signals.slow |= dict.fromkeys(services, place.clock.at)


async def test_a_broken_promise_opens_an_incident_within_two_minutes_that_says_who_saw_it(
    place: Place, signals: Signals
) -> None:
    looks = watch(place)
    await minutes(place, looks, 1)
    breaks(place, signals, PAYMENTS)
    await minutes(place, looks, 2)
    (incident,) = place.incidents()
    assert (incident.service, incident.watched) == (PAYMENTS, True)
    words = "latency p95 is 600 ms, usually 100 ms, at most 300 ms is promised"
    assert incident.title == f"{PAYMENTS} {words} · seen by the watch, no alert of it"
    record = await minutes(place, looks, 1)
    (one,) = record.unusual
    assert one.words.startswith("latency p95 is ")
    assert (one.incident, len(record.opened)) == (incident.id, 1)
    assert len(place.incidents()) == 1


async def test_what_it_opened_says_so_after_triage_too_until_an_alert_joins(
    place: Place, signals: Signals
) -> None:
    breaks(place, signals, PAYMENTS)
    await minutes(place, watch(place), 3)
    (incident,) = place.incidents()
    seen = Triage(verdict=TriageVerdict.CONFIRMED, severity=incident.severity, signal=None,
                  service=incident.service, impact="users wait", reason="r")  # fmt: skip
    record = IncidentRecorder(place.deps)
    record.triaged(incident.id, 0, Answer(value=seen, effort=BY))
    assert place.incidents()[0].title == "users wait · seen by the watch"
    place.put(incident.model_copy(update={"watched": False}))
    record.triaged(incident.id, 1, Answer(value=seen, effort=BY))
    assert place.incidents()[0].title == "users wait"


async def test_in_a_list_it_is_shown_and_opens_nothing(place: Place, signals: Signals) -> None:
    breaks(place, signals, PAYMENTS)
    place.clock.go(seconds=-1)
    record = await minutes(place, watch(place, WatchMode.LIST), 4)
    assert [one.service for one in record.unusual] == [PAYMENTS]
    assert (place.incidents(), record.opened) == ([], ())


async def test_an_alert_of_the_same_joins_it_however_long_its_rule_holds(
    place: Place, signals: Signals
) -> None:
    breaks(place, signals, PAYMENTS)
    await minutes(place, watch(place), 3)
    place.clock.go(minutes=20)
    place.keep(an_alert(PAYMENTS, starts_at=place.clock.at))
    await Receive(place.deps).handle(HERE)
    (incident,) = place.incidents()
    assert not incident.watched, "somebody's alert stands behind it"
    (event,) = place.events(EventType.ALERT_RECEIVED)
    assert event.message.endswith("joins: same cause, as the watch saw")


async def test_what_an_alert_tells_already_opens_nothing(place: Place, signals: Signals) -> None:
    place.keep(an_alert(PAYMENTS))
    await Receive(place.deps).handle(HERE)
    breaks(place, signals, "web")  # it calls payments-api
    record = await minutes(place, watch(place), 4)
    (incident,) = place.incidents()
    assert [one.incident for one in record.unusual] == [incident.id]
    assert record.opened == ()


async def test_what_is_over_is_taken_back_and_may_come_again(
    place: Place, signals: Signals
) -> None:
    looks = watch(place)
    breaks(place, signals, PAYMENTS)
    await minutes(place, looks, 4)
    signals.slow.clear()
    record = await minutes(place, looks, 4)
    assert record.unusual == ()
    (incident,) = place.incidents()
    assert "the sender says resolved" in place.events(EventType.ALERT_RECEIVED)[-1].message
    record_end = IncidentRecorder(place.deps)
    record_end.ended(incident.id, Ending.DISMISSED, "why")
    record_end.archived(incident.id, None, "none", None)
    await minutes(place, looks, 60)
    breaks(place, signals, PAYMENTS)
    await minutes(place, looks, 4)
    assert [one.after for one in place.incidents()] == ["", ""]


async def test_five_a_day_are_opened_and_the_rest_is_one_digest_over_restarts(
    place: Place, signals: Signals
) -> None:
    names = tuple(ServiceName(f"alone-{letter}") for letter in "abcdefgh")
    place.topology = Promising(names=names, calls=())
    record = await minutes(place, watch(place), 1)
    for name in names:
        breaks(place, signals, name)
        record = await minutes(place, watch(place), 4)  # another process each time
    opened = [one for one in place.incidents() if one.watched]
    assert len(opened) == len(record.opened) == MOST_OPENED
    (rest,) = [one for one in place.incidents() if not one.watched]
    assert "the rest is listed (alone-f: latency p95" in rest.title
    assert [one.incident for one in record.unusual][MOST_OPENED:] == [rest.id] * 3
    assert "alone-h" in place.events(EventType.ALERT_RECEIVED)[-1].message
    later = record.model_copy(update={"looked_at": START})
    assert later.left(place.clock.at + timedelta(days=1)) == MOST_OPENED


async def test_a_day_ago_it_was_the_same_so_it_is_nothing_new(
    place: Place, signals: Signals
) -> None:
    class Nightly(Signals):
        def _value(self, service: ServiceName, signal: Signal, at: datetime) -> float:
            job = timedelta(minutes=31) <= (at - START) % timedelta(days=1) < timedelta(hours=1)
            self.slow = {PAYMENTS: at} if job else {}
            return super()._value(service, signal, at)

    place.metrics = nightly = Nightly()
    place.clock.go(minutes=30)
    assert (await minutes(place, watch(place), 20)).unusual == ()
    assert place.incidents() == []
    assert any(START - window.start > timedelta(hours=23) for window in nightly.asked)


async def test_a_look_reads_minutes_and_only_the_first_reads_an_hour(
    place: Place, signals: Signals
) -> None:
    await minutes(place, watch(place), 10)
    lengths = [window.length for window in signals.asked]
    assert lengths[0] == timedelta(hours=1)
    assert max(lengths[1:]) <= timedelta(minutes=2)
    assert len(lengths) == 20


async def test_a_source_that_is_away_is_told_in_the_record_and_ends_nothing(
    place: Place, signals: Signals
) -> None:
    looks = watch(place)
    await minutes(place, looks, 1)
    signals.away = True
    assert (await minutes(place, looks, 5)).why == "They are away."
    signals.away = False
    assert (await minutes(place, looks, 1)).why == ""
    breaks(place, signals, PAYMENTS)
    await minutes(place, looks, 3)
    assert len(place.incidents()) == 1


async def review(place: Place, *, alert: bool, broken: bool) -> Ruling:
    """Return what policy says of a plan in an incident that the watch opened."""
    (incident,) = place.incidents()
    seen = Triage(verdict=TriageVerdict.CONFIRMED, severity=incident.severity, signal=None,
                  service=incident.service, impact="i", reason="r", broken=broken)  # fmt: skip
    place.put(incident.model_copy(update={"triage": seen, "watched": not alert}))
    plan = a_plan(1, 1).model_copy(update={"incident": incident.id, "environment": HERE})
    steps: Any = ExecutorSteps(place.deps, Busy())
    verdict = await steps.review(plan, None)
    return Ruling(verdict.ruling)


@pytest.mark.parametrize(
    ("alert", "broken", "ruling"),
    [(False, False, Ruling.DENY), (True, False, Ruling.ASK), (False, True, Ruling.ASK)],
)
async def test_it_never_acts_without_an_alert_or_a_broken_objective(
    place: Place, signals: Signals, alert: bool, broken: bool, ruling: Ruling
) -> None:
    breaks(place, signals, PAYMENTS)
    await minutes(place, watch(place), 3)
    assert await review(place, alert=alert, broken=broken) is ruling


async def test_without_its_rule_it_would_act(
    place: Place, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted defect: who opened an incident is forgotten before policy looks."""
    breaks(place, signals, PAYMENTS)
    await minutes(place, watch(place), 3)
    seams.UNALERTED.plant(monkeypatch, lambda _incident: False)
    assert await review(place, alert=False, broken=False) is not Ruling.DENY


@pytest.mark.parametrize(
    ("given", "kind", "mode"),
    [({}, "shop", WatchMode.OPEN), ({}, "docker", WatchMode.LIST),
     ({"signals": "none"}, "shop", WatchMode.NONE),
     ({"signals": "open"}, "docker", WatchMode.OPEN)],
)  # fmt: skip
def test_a_shop_is_watched_openly_and_what_is_yours_is_listed_until_you_say_otherwise(
    given: dict[str, str], kind: str, mode: WatchMode
) -> None:
    assert WatchSettings.of(given).mode(EnvironmentRef(kind=kind, name="one")) is mode
