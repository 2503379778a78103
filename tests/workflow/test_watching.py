"""What fires at the sender and not here comes in; what is known or muted there stays out."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from aiops_agent.adapters import alertmanager
from aiops_agent.domain.alert import AlertNews, AlertState, SenderAlert
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Ending, Status
from aiops_agent.domain.payload import AlertReceived, EventType
from aiops_agent.domain.routing import Claim, Routes
from aiops_agent.workflow.intake import Intake
from aiops_agent.workflow.receive import Receive
from aiops_agent.workflow.recorder import IncidentRecorder
from aiops_agent.workflow.watching import LOOK_AGAIN, AlertWatch
from tests.workflow.place import HERE, START, Place, an_alert

LABELS = {"alertname": "HighLatency", "service": "payments-api"}


@dataclass
class Sender:
    """An Alertmanager whose list the test writes."""

    listed: list[SenderAlert] = field(default_factory=list)
    away: bool = False

    async def firing(self) -> tuple[SenderAlert, ...]:
        if self.away:
            raise SourceError("It is away.")
        return tuple(self.listed)


def fires(muted: str = "", starts: str = START.isoformat()) -> SenderAlert:
    return SenderAlert(labels=LABELS, starts_at=starts, muted=muted)


def watch(place: Place, sender: Sender) -> AlertWatch:
    claim = Claim(environment=HERE, labels={})
    decoders = {"alertmanager": alertmanager.decode}
    intake = Intake(place.store, Routes((claim,)), decoders, place.clock.now)
    return AlertWatch(place.deps, intake, HERE, (sender,))


async def minutes(place: Place, of: AlertWatch, count: int) -> list[int]:
    """Look each minute and handle what came; return how many alerts came at each look."""
    found = []
    for _ in range(count):
        found.append(await of.look())
        await Receive(place.deps).handle(HERE)
        place.clock.go(minutes=1)
    return found


def ends(place: Place, ending: Ending) -> None:
    (found,) = place.incidents()
    record = IncidentRecorder(place.deps)
    record.ended(found.id, ending, "why")
    record.archived(found.id, None, "none", None)


async def test_an_alert_whose_webhook_was_lost_opens_its_incident_once(place: Place) -> None:
    assert await minutes(place, watch(place, Sender([fires()])), 5) == [0, 1, 0, 0, 0]
    (incident,) = place.incidents()
    assert (incident.service, incident.started_at) == ("payments-api", START)


async def test_an_alert_that_came_by_its_webhook_is_the_same_one(place: Place) -> None:
    place.keep(an_alert())
    await Receive(place.deps).handle(HERE)
    assert await minutes(place, watch(place, Sender([fires()])), 3) == [0, 0, 0]
    assert len(place.incidents()) == 1


async def test_a_new_firing_whose_webhook_was_lost_is_taken_at_once(place: Place) -> None:
    place.keep(an_alert())
    await Receive(place.deps).handle(HERE)
    ends(place, Ending.DISMISSED)
    place.clock.go(seconds=67)
    later = place.clock.at.isoformat()
    assert await minutes(place, watch(place, Sender([fires(starts=later)])), 2) == [1, 0]
    assert [one.after for one in place.incidents()] == ["", "INC-0001"]


async def test_what_was_dismissed_and_fires_on_is_looked_at_again_now_and_then(
    place: Place,
) -> None:
    place.keep(an_alert())
    await Receive(place.deps).handle(HERE)
    ends(place, Ending.DISMISSED)
    count = LOOK_AGAIN // timedelta(minutes=1)
    assert sum(await minutes(place, watch(place, Sender([fires()])), count + 2)) == 1
    (incident,) = place.incidents()
    assert incident.looking


async def test_what_people_have_is_left_alone_for_ever(place: Place) -> None:
    place.keep(an_alert())
    await Receive(place.deps).handle(HERE)
    ends(place, Ending.HANDED_OVER)
    assert sum(await minutes(place, watch(place, Sender([fires()])), 60)) == 0


@pytest.mark.parametrize("muted", ["silenced (a1)", "inhibited (b2)"])
async def test_what_is_muted_opens_nothing_and_is_told_once_where_it_is_open(
    place: Place, muted: str
) -> None:
    sender = Sender([fires(muted)])
    looks = watch(place, sender)
    assert sum(await minutes(place, looks, 3)) == 0
    assert place.incidents() == []
    place.keep(an_alert())
    await Receive(place.deps).handle(HERE)
    await minutes(place, looks, 3)
    (event,) = place.events(EventType.ALERT_RECEIVED)
    assert isinstance(event.payload, AlertReceived)
    assert event.payload.news is AlertNews.MUTED
    assert muted in event.message
    assert place.incidents()[0].status is Status.OPEN


async def test_what_is_muted_is_not_told_of_an_incident_that_ended(place: Place) -> None:
    place.keep(an_alert())
    await Receive(place.deps).handle(HERE)
    ends(place, Ending.HANDED_OVER)
    await minutes(place, watch(place, Sender([fires("silenced (a1)")])), 2)
    assert place.events(EventType.ALERT_RECEIVED) == []


async def test_a_sender_that_is_away_is_no_sender_that_has_nothing(place: Place) -> None:
    with pytest.raises(SourceError):
        await watch(place, Sender(away=True)).look()


async def test_a_resolved_one_of_an_open_incident_that_fires_on_is_taken(place: Place) -> None:
    place.keep(an_alert())
    place.keep(an_alert(state=AlertState.RESOLVED), digest="2")
    await Receive(place.deps).handle(HERE)
    assert await minutes(place, watch(place, Sender([fires()])), 2) == [1, 0]
    assert [one.state for one in place.alerts(place.incidents()[0])] == [AlertState.FIRING]
