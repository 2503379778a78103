"""An alert that fires always opens nothing; its silence does."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from aiops_agent.domain.alert import Alert, AlertState
from aiops_agent.domain.heartbeat import Heartbeat
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.remediation import TargetKind
from aiops_agent.workflow.deadman import SilenceWatch
from aiops_agent.workflow.receive import Receive
from tests.workflow.place import HERE, START, Place, an_alert


def watchdog(text: str = "vector(1)", name: str = "Always", **other: Any) -> Alert:
    link = f"http://prometheus:9090/graph?g0.expr={quote(text)}" if text else None
    labels = {"alertname": name, "severity": "critical"}
    return an_alert("", labels=labels, generator_url=link, **other)


@pytest.fixture
def receive(place: Place) -> Receive:
    """One process, whose looks are a minute apart."""
    ticks = iter(range(0, 10_000, 60))
    return Receive(place.deps, clock=lambda: float(next(ticks)))


async def heard(place: Place, receive: Receive, *alerts: Alert, minutes: float = 0.0) -> int:
    """Take alerts in after some minutes; return how many incidents there are."""
    place.clock.go(minutes=minutes)
    if alerts:
        place.keep(*alerts)
    await receive.handle(HERE)
    return len(place.incidents())


@pytest.mark.parametrize(
    ("text", "name"),
    [("vector(1)", "Always"), ("", "Watchdog"), ("", "PrometheusDeadMansSwitch"),
     ('ALERTS{severity="info"} == 1', "InfoInhibitor")],
)  # fmt: skip
async def test_what_fires_always_is_kept_and_opens_nothing(
    place: Place, receive: Receive, text: str, name: str
) -> None:
    assert await heard(place, receive, watchdog(text, name)) == 0
    with place.store.read() as view:
        assert not view.inbox.waiting(10, environment=HERE, alerts=10)


async def test_beside_it_real_alerts_open_their_incident(place: Place, receive: Receive) -> None:
    assert await heard(place, receive, watchdog(), an_alert("web")) == 1
    assert [one.service for one in place.incidents()] == ["web"]


async def test_ten_silent_minutes_open_one_incident(place: Place, receive: Receive) -> None:
    await heard(place, receive, watchdog())
    assert await heard(place, receive, minutes=9.5) == 0
    assert await heard(place, receive, minutes=0.5) == 1
    assert await heard(place, receive, minutes=60) == 1
    (incident,) = place.incidents()
    assert incident.subject.kind is TargetKind.CLUSTER
    assert incident.title == "Always has not fired for 10 min: alerts may no longer arrive"
    assert [e.incident for e in place.events(EventType.INCIDENT_OPENED)] == [incident.id]


async def test_heard_again_it_may_fall_silent_again(place: Place, receive: Receive) -> None:
    await heard(place, receive, watchdog())
    await heard(place, receive, minutes=11)
    await heard(place, receive, watchdog(), minutes=1)
    assert await heard(place, receive, minutes=9) == 1
    assert await heard(place, receive, minutes=1) == 2


async def test_a_sender_that_repeats_rarely_is_not_silent_between(
    place: Place, receive: Receive
) -> None:
    await heard(place, receive, watchdog())
    await heard(place, receive, watchdog(), minutes=9)
    await heard(place, receive, watchdog(), minutes=9)
    assert await heard(place, receive, minutes=17) == 0
    assert await heard(place, receive, minutes=1) == 1


async def test_what_the_sender_calls_resolved_is_no_sign_of_life(
    place: Place, receive: Receive
) -> None:
    await heard(place, receive, watchdog())
    await heard(place, receive, watchdog(state=AlertState.RESOLVED), minutes=6)
    assert await heard(place, receive, minutes=4) == 1


async def test_while_nobody_listened_nothing_was_silent(place: Place, receive: Receive) -> None:
    await heard(place, receive, watchdog())
    place.clock.go(minutes=60)
    later = Receive(place.deps, clock=iter(range(0, 9000, 60)).__next__)
    assert await heard(place, later) == 0
    assert await heard(place, later, minutes=timedelta(minutes=10) / timedelta(minutes=1)) == 1


def test_silence_is_looked_for_each_half_minute(place: Place) -> None:
    listens = SilenceWatch(place.deps)
    with place.store.begin() as work:
        work.heartbeats.put(HERE, Heartbeat(key="k", name="Always", labels={}, heard=START))
    listens.look(HERE, 7.0)
    place.clock.go(minutes=10)
    found = []
    for later in (36.9, 37.0, 67.0):
        listens.look(HERE, later)
        found.append(len(place.incidents()))
    assert found == [0, 1, 1]
