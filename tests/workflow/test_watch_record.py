"""What the watch keeps of looks that are scripted: when it writes, what is over, whom it wakes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from aiops_agent.domain.alert import AlertState
from aiops_agent.domain.telemetry import ServiceGraph, ServiceName, Signal
from aiops_agent.domain.watch import WatchMode, WatchRecord
from aiops_agent.reasoning.detect import Moved
from aiops_agent.workflow import signals
from aiops_agent.workflow.signals import WRITTEN, SignalWatch
from aiops_agent.workflow.watch_look import LOST_SIGHT, OVER
from tests.workflow.place import HERE, START, Place

WEB, MAIL = ServiceName("web"), ServiceName("mail")
MICRO = timedelta(microseconds=1)


@dataclass
class Glanced:
    """One look: what moved, and the present values."""

    moved: tuple[Moved, ...] = ()
    values: dict[ServiceName, float] = field(default_factory=dict)
    services: int = 4

    def now(self, key: tuple[ServiceName, Signal]) -> float | None:
        return self.values.get(key[0])


@dataclass
class Script:
    """Stands in for the lookout of some metrics; shows what the test says."""

    shows: Glanced = field(default_factory=Glanced)
    made: list[object] = field(default_factory=list)
    asked: list[set[Any]] = field(default_factory=list)
    metrics: object = None

    def __call__(self, metrics: object, _harm: object) -> "Script":
        self.metrics = metrics
        self.made.append(metrics)
        return self

    async def look(self, _graph: ServiceGraph, _at: datetime, known: set[Any]) -> Glanced:
        self.asked.append(known)
        return self.shows


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    made = Script()
    monkeypatch.setattr(signals, "Lookout", made)
    return made


def slow(service: ServiceName = WEB, signal: Signal = Signal.LATENCY, **other: Any) -> Moved:
    given = {"value": 0.9, "usual": 0.1, "level": 0.3, "broken": True, "hurts": True, "score": 9.0}
    return Moved(service, signal, START.timestamp(), **{**given, **other})


def watch(place: Place, mode: WatchMode = WatchMode.LIST, **other: Any) -> SignalWatch:
    return SignalWatch(place.deps, HERE, mode, **other)


def kept(place: Place) -> WatchRecord:
    with place.store.read() as view:
        found = view.watches.get(HERE)
    assert found is not None
    return found


def told(place: Place) -> list[tuple[AlertState, str]]:
    with place.store.read() as view:
        bodies = view.inbox.waiting(10, environment=HERE)
    return [(one.state, one.labels["severity"]) for body in bodies for one in body.alerts]


async def test_a_record_in_which_nothing_changes_is_written_each_five_minutes(
    place: Place, script: Script
) -> None:
    looks = watch(place)
    await looks.look()
    for later, written in ((WRITTEN - MICRO, START), (WRITTEN, START + WRITTEN)):
        place.clock.at = START + later
        await looks.look()
        assert kept(place).looked_at == written
    assert kept(place).services == 4

    await watch(place, WatchMode.OPEN).look()
    assert kept(place).mode is WatchMode.OPEN, "what was asked for is written at once"


async def test_metrics_that_were_configured_anew_are_looked_at_anew(
    place: Place, script: Script
) -> None:
    looks = watch(place)
    await looks.look()
    await looks.look()
    other: Any = object()
    place.metrics = other
    looks.deps = place.deps
    await looks.look()
    assert len(script.made) == 2
    assert script.made[1] is other


@pytest.mark.parametrize(
    ("value", "after", "listed"),
    [
        (0.3, OVER - MICRO, True),  # at its level is not beyond it
        (0.3, OVER, False),
        (0.31, OVER, True),
        (None, LOST_SIGHT - MICRO, True),
        (None, LOST_SIGHT, False),
    ],
)
async def test_what_is_within_its_level_is_over_and_what_nobody_sees_is_unknown(
    place: Place, script: Script, value: float | None, after: timedelta, listed: bool
) -> None:
    looks = watch(place)
    script.shows = Glanced((slow(),))
    await looks.look()
    script.shows = Glanced(values={} if value is None else {WEB: value})
    place.clock.at += after
    record = await looks.look()

    assert bool(record.unusual) is listed
    assert script.asked == [set(), {(WEB, Signal.LATENCY)}]
    for one in record.unusual:
        beyond = value is not None and value > one.level
        assert (one.seen, one.value) == ((place.clock.at, value) if beyond else (START, 0.9))


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ({"signal": Signal.ERRORS, "broken": True}, "critical"),
        ({"signal": Signal.ERRORS, "broken": False}, "warning"),
        ({"signal": Signal.LATENCY, "broken": True}, "warning"),
    ],
)
async def test_only_broken_promises_on_errors_are_critical_and_the_inbox_is_rung_for_what_is_told(
    place: Place, script: Script, given: dict[str, Any], severity: str
) -> None:
    rung: list[object] = []
    looks = watch(place, WatchMode.OPEN, heard=lambda: rung.append(place.clock.at))
    await looks.look()
    assert rung == []
    script.shows = Glanced((slow(**given), slow(MAIL, hurts=False)))
    await looks.look()
    assert told(place) == [(AlertState.FIRING, severity)]
    await looks.look()
    assert len(rung) == 1, "it was told, and is not told again"

    script.shows = Glanced(values={WEB: 0.0, MAIL: 0.0})
    place.clock.at += OVER
    await looks.look()
    assert told(place) == [(AlertState.FIRING, severity), (AlertState.RESOLVED, severity)]
    assert len(rung) == 2


async def test_what_may_have_one_cause_is_told_together_and_once(
    place: Place, script: Script
) -> None:
    looks = watch(place, WatchMode.OPEN)
    script.shows = Glanced((slow(), slow(ServiceName("payments-api"))))  # web calls it
    record = await looks.look()
    assert (len(told(place)), len(record.opened)) == (2, 1)
    script.shows = Glanced((*script.shows.moved, slow(ServiceName("payments-db")), slow(MAIL)))
    record = await looks.look()
    assert (len(told(place)), len(record.opened)) == (3, 2), "of kin to what was told: not again"


async def test_a_source_that_stays_away_for_the_same_reason_is_written_once(place: Place) -> None:
    looks = watch(place)  # no metrics are configured
    first = await looks.look()
    place.clock.go(minutes=9)
    assert (await looks.look(), first.why) == (first, "Nothing is configured.")
    other = await watch(place, WatchMode.OPEN).look()
    assert other == first, "nor for another mode: nothing was seen in it"
