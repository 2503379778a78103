"""What a platform itself says is wrong is listed, or opens an incident after five minutes."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.domain.approval import Ruling
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.meaning import ClaimSource
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.remediation import TargetKind
from aiops_agent.domain.trouble import PlatformTrouble, TroubleKind
from aiops_agent.domain.watch import MOST_OPENED, SEEN_BY_WATCH, WatchMode, WatchRecord
from aiops_agent.ports.telemetry import Environment
from aiops_agent.reading.alert import read_alert
from aiops_agent.settings.watch import WatchSettings
from aiops_agent.workflow.receive import Receive
from aiops_agent.workflow.signals import LOOK_SECONDS, SignalWatch
from aiops_agent.workflow.watch_look import HELD, LOST_SIGHT, MOST_NOTED, OVER
from tests.workflow.place import HERE, NAMES, Place, an_alert
from tests.workflow.test_signals import review

PAYMENTS = NAMES[1]
BLIND = "Kubernetes forbids us to read /api/v1/nodes."


@dataclass
class Says:
    """The Troubles port of a platform that says what the test says."""

    found: list[PlatformTrouble] = field(default_factory=list)
    blind: tuple[str, ...] = ()
    away: bool = False

    async def troubles(self) -> tuple[PlatformTrouble, ...]:
        if self.away:
            raise SourceError("It is away.")
        return tuple(self.found)

    async def unreadable(self) -> tuple[str, ...]:
        return self.blind


def ill(service: str = PAYMENTS, pod: str = "p-1", **other: Any) -> PlatformTrouble:
    given = {
        "kind": TroubleKind.CRASH_LOOP,
        "service": service,
        "what": "Pod",
        "name": pod,
        "namespace": "shop",
        "words": "CrashLoopBackOff: ended with exit code 1 (OOMKilled), restarted 4 times",
        "step": "see its last words",
    }
    return PlatformTrouble(**{**given, **other})


@pytest.fixture
def says(place: Place, monkeypatch: pytest.MonkeyPatch) -> Says:
    told = Says()
    made = Place._environment

    def environment(self: Place, ref: Any) -> Environment:
        found = made(self, ref)
        return Environment(**{**vars(found), "troubles": told})

    monkeypatch.setattr(Place, "_environment", environment)
    return told


def watch(place: Place, mode: WatchMode = WatchMode.OPEN) -> SignalWatch:
    return SignalWatch(place.deps, HERE, WatchMode.NONE, platform=mode)


async def minutes(place: Place, of: SignalWatch, count: float) -> WatchRecord:
    """Look each half minute and handle what came; return the last record."""
    found = []
    for _ in range(round(count * 60 / LOOK_SECONDS)):
        place.clock.go(seconds=LOOK_SECONDS)
        found.append(await of.look())
        await Receive(place.deps).handle(HERE)
    return found[-1]


async def test_what_lasts_five_minutes_opens_one_incident_for_each_workload(
    place: Place, says: Says
) -> None:
    says.found = [ill(), ill(kind=TroubleKind.ROLLOUT_STUCK, what="Deployment", name="payments")]
    looks = watch(place)
    await minutes(place, looks, HELD.total_seconds() / 60)
    assert place.incidents() == [], "a rollout may be over by then"
    says.found[0] = ill(pod="p-2")  # another pod of the same
    await minutes(place, looks, 1)
    (incident,) = place.incidents()
    assert (incident.service, incident.watched) == (PAYMENTS, True)
    assert incident.title.startswith(f"{PAYMENTS}: CrashLoopBackOff: ended with exit code 1")
    assert SEEN_BY_WATCH in incident.title
    record = await minutes(place, watch(place), 3)  # another process
    assert len(place.incidents()) == 1
    assert [one.incident for one in record.ailing] == [incident.id]
    assert await review(place, alert=False, broken=False) is Ruling.DENY


async def test_no_signal_contradicts_what_a_platform_says(place: Place, says: Says) -> None:
    says.found = [ill()]
    await minutes(place, watch(place), 6)
    (incident,) = place.incidents()
    (alert,) = place.alerts(incident)
    meaning = read_alert(alert, (), NAMES)
    assert (meaning.claim, meaning.source, meaning.refuters) == (None, ClaimSource.NOWHERE, ())
    assert meaning.subject.service == PAYMENTS


@pytest.mark.parametrize("mode", [WatchMode.LIST, WatchMode.NONE])
async def test_in_a_list_it_is_shown_and_opens_nothing(
    place: Place, says: Says, mode: WatchMode
) -> None:
    says.found = [ill(), ill("mail", harm=False)]
    record = await minutes(place, watch(place, mode), 9)
    shown = [one.service for one in record.ailing]
    assert shown == ([PAYMENTS] if mode is WatchMode.LIST else [])
    assert (place.incidents(), record.opened) == ([], ())


async def test_an_alert_of_the_same_joins_and_one_that_was_there_is_joined(
    place: Place, says: Says
) -> None:
    looks = watch(place)
    says.found = [ill()]
    await minutes(place, looks, 6)
    place.clock.go(minutes=9)
    place.keep(an_alert(PAYMENTS, starts_at=place.clock.at))
    await Receive(place.deps).handle(HERE)
    (incident,) = place.incidents()
    assert not incident.watched
    place.keep(an_alert("mail", starts_at=place.clock.at))
    says.found.append(ill("mail"))
    record = await minutes(place, looks, 9)
    assert [one.service for one in place.incidents()] == [PAYMENTS, "mail"]
    assert len(record.opened) == 1, "the alert of mail was there before"


async def test_callers_of_what_is_told_are_told_with_it(place: Place, says: Says) -> None:
    says.found = [ill(), ill("web")]  # web calls payments-api
    record = await minutes(place, watch(place), 6)
    assert len(place.incidents()) == len(record.opened) == 1
    assert len(place.alerts(place.incidents()[0])) == 2


async def test_five_a_day_are_opened_and_the_rest_is_one_digest(place: Place, says: Says) -> None:
    for letter in "abcdefgh":
        says.found.append(ill(f"alone-{letter}"))
        await minutes(place, watch(place), 0.5)  # another process each time
    record = await minutes(place, watch(place), 6)
    assert len([one for one in place.incidents() if one.watched]) == len(record.opened)
    assert len(record.opened) == MOST_OPENED
    (rest,) = [one for one in place.incidents() if not one.watched]
    assert "the rest is listed (alone-f: CrashLoopBackOff" in rest.title
    assert "alone-h" in place.events(EventType.ALERT_RECEIVED)[-1].message


async def test_what_is_over_is_taken_back_and_what_was_short_never_opens(
    place: Place, says: Says
) -> None:
    looks = watch(place)
    says.found = [ill()]
    await minutes(place, looks, 4)
    says.found = []
    record = await minutes(place, looks, 4)
    assert (record.ailing, place.incidents()) == ((), [])
    says.found = [ill()]
    await minutes(place, looks, 6)
    says.found = []
    record = await minutes(place, looks, OVER.total_seconds() / 60 + 1)
    assert record.ailing == ()
    assert "the sender says resolved" in place.events(EventType.ALERT_RECEIVED)[-1].message


async def test_who_sees_less_than_before_does_not_say_that_it_is_over(
    place: Place, says: Says
) -> None:
    looks = watch(place)
    says.found = [ill(service="", what="Node", name="node1", namespace="", words="not ready")]
    await minutes(place, looks, 6)
    (incident,) = place.incidents()
    assert (incident.subject.kind, incident.service) == (TargetKind.NODE, "node1")
    says.found, says.blind = [], (BLIND,)
    record = await minutes(place, looks, 5)
    assert [one.incident for one in record.ailing] == [incident.id]
    assert record.blind == (BLIND,)
    place.clock.at += LOST_SIGHT
    record = await minutes(place, looks, 1)
    assert record.ailing == ()
    resolved = [e for e in place.events(EventType.ALERT_RECEIVED) if "resolved" in e.message]
    assert resolved == []


async def test_a_platform_that_is_away_is_told_and_what_it_said_stands(
    place: Place, says: Says
) -> None:
    looks = watch(place)
    says.found = [ill()]
    await minutes(place, looks, 2)
    says.away = True
    record = await minutes(place, looks, 7)
    assert record.untold == "It is away."
    assert [one.service for one in record.ailing] == [PAYMENTS]
    assert place.incidents() == [], "what was not seen now opens nothing"
    says.away = False
    record = await minutes(place, looks, 1)
    assert record.untold == ""


async def test_a_storm_is_bounded_and_keeps_what_was_listed(place: Place, says: Says) -> None:
    looks = watch(place, WatchMode.LIST)
    says.found = [ill("last")]
    await minutes(place, looks, 1)
    says.found = [ill(f"s{n}") for n in range(3 * MOST_NOTED)] + [ill("last")]
    record = await minutes(place, looks, 1)
    assert len(record.ailing) == MOST_NOTED
    assert record.left_out == 2 * MOST_NOTED + 1
    assert record.ailing[0].service == "last"


async def test_what_belongs_to_no_service_is_told_by_its_own_name(place: Place, says: Says) -> None:
    claim = "PersistentVolumeClaim"
    says.found = [ill("", "data", what=claim, kind=TroubleKind.VOLUME, words="no class")]
    await minutes(place, watch(place), 6)
    (incident,) = place.incidents()
    assert incident.title.startswith("PersistentVolumeClaim shop/data: no class")


def test_a_cluster_is_listed_until_you_say_otherwise() -> None:
    assert WatchSettings.of({}).kubernetes is WatchMode.LIST
    assert WatchSettings.of({"kubernetes": "open"}).kubernetes is WatchMode.OPEN


async def test_two_looks_that_see_the_same_write_nothing(place: Place, says: Says) -> None:
    looks = watch(place)
    first = await looks.look()
    place.clock.go(minutes=4)
    assert await looks.look() == first
    place.clock.go(minutes=2)
    later = await looks.look()
    assert later.asked_at is not None
    assert first.asked_at is not None
    assert later.asked_at - first.asked_at == timedelta(minutes=6)
