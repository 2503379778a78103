"""Alerts become incidents: repeats attach, one cause is one incident, nothing is lost."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from aiops_agent.domain.alert import (
    Alert,
    AlertGroup,
    AlertNews,
    AlertState,
    Backlog,
    Delivery,
    Severity,
)
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.incident import Status
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.remediation import Target, TargetKind
from aiops_agent.domain.routing import Routes
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceName
from aiops_agent.workflow.intake import Intake
from aiops_agent.workflow.receive import GAP_SECONDS, MOST_APART, NAMES, Receive
from tests import seams
from tests.safety.plans import an_incident
from tests.workflow.place import HERE, START, Company, Place, an_alert


async def take(place: Place) -> int:
    return await Receive(place.deps).handle(HERE)


async def test_an_alert_opens_an_incident_and_says_so(place: Place) -> None:
    place.keep(an_alert())
    assert await take(place) == 1
    (incident,) = place.incidents()
    assert (incident.service, incident.status) == ("payments-api", Status.OPEN)
    assert [e.incident for e in place.events(EventType.INCIDENT_OPENED)] == [incident.id]
    assert place.marks == ["incident-opened"]
    assert await take(place) == 0


async def test_the_same_body_again_is_seen_again_and_opens_nothing(place: Place) -> None:
    for _ in range(3):
        place.keep(an_alert())
        await take(place)
    assert len(place.incidents()) == 1
    assert len(place.events(EventType.ALERT_RECEIVED)) == 2


async def test_a_storm_of_one_cause_is_one_incident_at_the_deepest_service(place: Place) -> None:
    storm = [
        an_alert(service, labels={"alertname": name, "service": service, "n": str(n)})
        for n, name in enumerate(["HighLatency", "HighErrorRate"] * 50)
        for service in ("web", "payments-api", "payments-db")
    ]
    place.keep(*storm)
    await take(place)
    (incident,) = place.incidents()
    assert incident.service == "payments-db"
    assert len(place.alerts(incident)) == len(storm) == 300
    assert set(incident.alert_names) == {"HighLatency", "HighErrorRate"}


async def test_a_caller_that_alerts_a_little_later_joins(place: Place) -> None:
    place.keep(an_alert("payments-api"))
    await take(place)
    place.clock.go(minutes=4)
    place.keep(an_alert("web"))
    await take(place)
    assert [i.service for i in place.incidents()] == ["payments-api"]


async def test_a_worse_alert_that_joins_raises_the_severity_and_a_milder_one_does_not(
    place: Place,
) -> None:
    labels = {"alertname": "A", "service": "web", "severity": "warning"}
    place.keep(an_alert("web", labels=labels))
    await take(place)
    for severity in ("critical", "info"):
        place.keep(an_alert("web", labels={**labels, "severity": severity}))
        await take(place)
        assert [one.severity for one in place.incidents()] == [Severity.SEV2]


async def test_an_alert_about_a_node_or_a_probe_is_no_services(place: Place) -> None:
    about = {
        TargetKind.NODE: {"alertname": "Disk", "job": "node-exporter", "instance": "web-1:9100"},
        TargetKind.TARGET: {"alertname": "Probe", "instance": "https://shop.example.com/"},
        TargetKind.UNKNOWN: {"alertname": "Nobody"},
    }
    for labels in about.values():
        place.keep(an_alert(labels=labels, annotations={}))
    await take(place)
    assert {one.subject.kind for one in place.incidents()} == set(about)


@pytest.mark.parametrize(("done", "opened"), [(None, []), (1, ["mail"])], ids=["wholly", "in part"])
async def test_what_another_process_worked_on_meanwhile_is_not_done_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, done: int | None, opened: list[str]
) -> None:
    kept = place.keep(an_alert("web"), an_alert("mail"))
    ready, looks = Receive._bodies, list[int]()

    def meanwhile(self: Receive, environment: EnvironmentRef, around: Any) -> Any:
        found = ready(self, environment, around)
        if not looks:
            with place.store.begin() as work:
                if done is None:
                    work.inbox.handled(kept.id)
                else:
                    work.inbox.advance(kept.id, kept.progress.model_copy(update={"done": done}))
        looks.append(len(found))
        return found

    monkeypatch.setattr(Receive, "_bodies", meanwhile)
    await take(place)
    assert [one.service for one in place.incidents()] == opened


async def test_what_has_ended_is_joined_by_nothing(place: Place) -> None:
    place.keep(an_alert("web"))
    await take(place)
    place.put(place.incidents()[0].model_copy(update={"status": Status.ESCALATED}))
    place.keep(an_alert("web", labels={"alertname": "Other", "service": "web"}))
    await take(place)
    assert [one.alert_names for one in place.incidents()] == [("HighLatency",), ("Other",)]


async def test_a_caller_that_alerts_much_later_has_trouble_of_its_own(place: Place) -> None:
    place.keep(an_alert("payments-api"))
    await take(place)
    place.clock.go(minutes=6)
    place.keep(an_alert("web"))
    await take(place)
    assert [i.service for i in place.incidents()] == ["payments-api", "web"]


@pytest.mark.parametrize(
    ("apart", "service", "joined"),
    [
        (("web", "payments-db"), "payments-api", "INC-0002"),  # the newest of its kin
        (("payments-db", "web"), "payments-api", "INC-0002"),
        (("payments-api", "web"), "payments-api", "INC-0001"),  # its own before its kin's
        (("web", "mail"), "payments-api", "INC-0001"),
        (("mail", "mail"), "payments-api", "INC-0003"),
    ],
)
async def test_of_several_incidents_an_alert_joins_its_own_else_the_newest_of_its_kin(
    place: Place, apart: tuple[str, str], service: str, joined: str
) -> None:
    for service_apart in apart:
        put = an_incident(
            id=f"INC-{len(place.incidents()) + 1:04}",
            environment=HERE,
            subject=Target(environment=HERE, kind=TargetKind.SERVICE, name=service_apart),
            opened_at=place.clock.at,
        )
        place.put(put)
        with place.store.begin() as work:
            work.incidents.new_id()
        place.clock.go(minutes=1)
    place.keep(an_alert(service))
    await take(place)
    holders = [one.id for one in place.incidents() if place.alerts(one)]
    assert holders == [joined]


async def test_a_stranger_has_trouble_of_its_own(place: Place) -> None:
    place.keep(an_alert("payments-api"))
    place.keep(an_alert("mail"))
    await take(place)
    assert [i.service for i in place.incidents()] == ["payments-api", "mail"]


async def test_strangers_in_one_group_are_incidents_of_their_own(place: Place) -> None:
    slow = {"alertname": "ExporterSlow", "service": "redis-exporter", "severity": "warning"}
    down = {"alertname": "BillingDown", "service": "billing", "severity": "critical"}
    place.keep(an_alert(labels=slow), an_alert(labels=down))
    await take(place)
    found = [(one.service, one.severity) for one in place.incidents()]
    assert found == [("redis", Severity.SEV3), ("billing", Severity.SEV2)]


async def test_each_cause_of_a_group_is_named_after_its_deepest_service(place: Place) -> None:
    place.keep(*(an_alert(one) for one in ("mail", "web", "payments-api", "payments-db")))
    await take(place)
    assert [i.service for i in place.incidents()] == ["payments-db", "mail"]


async def test_services_that_need_the_same_share_its_cause_when_they_come_together(
    place: Place,
) -> None:
    place.topology = Diamond()
    place.keep(an_alert("cart"), an_alert("catalogue"), an_alert("mail"))
    await take(place)
    assert [i.service for i in place.incidents()] == ["cart", "mail"]
    place.clock.go(minutes=1)
    place.keep(an_alert("search"))  # needs it too, but comes by itself
    await take(place)
    assert [i.service for i in place.incidents()] == ["cart", "mail", "search"]


class Diamond(Company):
    """Three services that need one cache, and one that does not."""

    async def graph(self) -> ServiceGraph:
        names = map(ServiceName, ("cart", "catalogue", "search", "cache", "mail"))
        cart, catalogue, search, cache, mail = names
        known = (cart, catalogue, search, cache, mail)
        calls = ((cart, cache), (catalogue, cache), (search, cache))
        return ServiceGraph(services=tuple(Service(name=n) for n in known), calls=calls)


async def test_what_names_no_service_is_told_apart_by_its_name(place: Place) -> None:
    nameless = [{"alertname": name, "disk": disk} for name in "AB" for disk in ("sda", "sdb")]
    place.keep(*(an_alert(labels=labels) for labels in nameless))
    await take(place)
    assert [i.alert_names for i in place.incidents()] == [("A",), ("B",)]


async def test_a_body_about_very_many_things_opens_so_many_incidents_and_no_more(
    place: Place,
) -> None:
    place.keep(*(an_alert(f"s{n}") for n in range(MOST_APART + 30)))
    await take(place)
    first, *others = place.incidents()
    assert (len(place.alerts(first)), len(others)) == (31, MOST_APART - 1)
    assert {len(place.alerts(one)) for one in others} == {1}


async def test_resolved_is_told_and_is_no_recovery(place: Place) -> None:
    place.keep(an_alert())
    place.keep(an_alert(state=AlertState.RESOLVED))
    await take(place)
    (incident,) = place.incidents()
    assert (incident.status, incident.recovery) == (Status.OPEN, None)
    assert "telemetry decides" in place.events(EventType.ALERT_RECEIVED)[-1].message


async def test_resolved_without_an_incident_opens_nothing(place: Place) -> None:
    place.keep(an_alert(state=AlertState.RESOLVED))
    assert await take(place) == 1
    assert place.incidents() == []


@pytest.mark.parametrize(
    ("claimed", "dated"),
    [
        (START - timedelta(minutes=3), START - timedelta(minutes=3)),
        (datetime(1970, 1, 1, tzinfo=UTC), START),
        (START + timedelta(days=1), START),
        (None, START),
    ],
)
async def test_a_beginning_that_cannot_be_is_dated_by_arrival(
    place: Place, claimed: datetime | None, dated: datetime
) -> None:
    place.keep(an_alert(starts_at=claimed))
    await take(place)
    assert place.incidents()[0].started_at == dated


@pytest.mark.parametrize(
    ("label", "severity"),
    [
        ("critical", Severity.SEV2),
        ("PAGE", Severity.SEV2),
        ("info", Severity.SEV4),
        ("x", Severity.SEV3),
    ],
)
async def test_the_label_gives_the_first_severity(
    place: Place, label: str, severity: Severity
) -> None:
    place.keep(an_alert(labels={"alertname": "A", "service": "web", "severity": label}))
    await take(place)
    assert place.incidents()[0].severity is severity


async def test_without_a_call_graph_the_labels_have_to_do(place: Place) -> None:
    place.topology = Company(away=True)
    place.keep(an_alert("payments-api"))
    place.keep(an_alert("web"))
    await take(place)
    assert [i.service for i in place.incidents()] == ["payments-api", "web"]


async def test_what_was_rejected_and_what_is_elsewhere_is_left_alone(place: Place) -> None:
    place.keep(an_alert(), rejected="not JSON", digest="1")
    place.keep(an_alert(), environment=EnvironmentRef.parse("docker:other"), digest="2")
    assert await take(place) == 0
    assert place.incidents() == []


async def test_a_truncated_body_says_so(place: Place) -> None:
    place.keep(an_alert(), truncated=7)
    await take(place)
    assert "7 alerts left out" in place.events(EventType.INCIDENT_OPENED)[0].message


async def test_more_bodies_than_a_batch_are_all_taken(place: Place) -> None:
    for number in range(120):
        place.keep(an_alert(labels={"alertname": f"A{number}", "service": "web"}))
    assert await take(place) == 120
    (incident,) = place.incidents()
    assert len(place.alerts(incident)) == 120


async def test_a_batch_that_fails_is_taken_whole_the_next_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.keep(an_alert("payments-api"))
    place.keep(an_alert("mail"))

    def breaks(*_given: Any) -> None:
        raise StoreError("The disk is full.")

    with monkeypatch.context() as planted:
        seams.PUT_ALERTS.plant(planted, breaks)  # the last that a batch writes
        with pytest.raises(StoreError):
            await take(place)
    assert (place.incidents(), place.events()) == ([], [])
    assert await take(place) == 2
    assert len(place.incidents()) == len(place.events(EventType.INCIDENT_OPENED)) == 2


async def test_a_hostile_label_is_kept_as_it_is_and_harms_nothing(place: Place) -> None:
    name = "\x1b[2J'; DROP TABLE incidents; --\u202e" + "x" * 5000
    alert: Alert = an_alert(labels={"alertname": name, "service": name})
    place.keep(alert)
    await take(place)
    assert place.incidents()[0].alert_names == (name,)


async def test_an_alert_keeps_all_that_it_and_its_group_brought(place: Place) -> None:
    group = AlertGroup(
        group_labels={"alertname": "HighLatency"},
        receiver="aiops",
        alertmanager_url="http://alertmanager.test:9093",
    )
    alert = an_alert(
        annotations={"summary": "slow", "description": "p95 is 3.2 s"},
        generator_url="http://prometheus.test/graph?g0.expr=up",
        runbook="https://wiki.test/slow",
    )
    place.keep(alert, group=group)
    await take(place)
    (kept,) = place.alerts(place.incidents()[0])
    assert kept.model_dump(include=set(Alert.model_fields)) == alert.model_dump()
    assert kept.model_dump(include=set(AlertGroup.model_fields)) == group.model_dump()
    assert (kept.since, kept.last_seen) == (START, place.clock.at)


async def test_the_same_labels_are_the_same_alert_whatever_its_words_are(place: Place) -> None:
    place.keep(an_alert("web", annotations={"summary": "slow"}), digest="1")
    await take(place)
    place.keep(an_alert("web", annotations={"summary": "much slower"}), digest="2")
    await take(place)
    (incident,) = place.incidents()
    (kept,) = place.alerts(incident)
    assert (incident.title, kept.summary) == ("slow", "much slower")


@pytest.mark.parametrize(("label", "alerts"), [("replica", 1), ("instance", 2)])
async def test_two_replicas_of_a_sender_send_one_alert(
    place: Place, label: str, alerts: int
) -> None:
    for name in ("a", "b"):
        labels = {"alertname": "HighLatency", "service": "web", label: name}
        place.keep(an_alert(labels=labels))
    await take(place)
    assert len(place.alerts(place.incidents()[0])) == alerts


async def test_what_one_replica_calls_resolved_and_another_does_not_fires(place: Place) -> None:
    labels = {"alertname": "HighLatency", "service": "web"}
    fires = an_alert(labels={**labels, "replica": "a"})
    gone = an_alert(labels={**labels, "replica": "b"}, state=AlertState.RESOLVED)
    place.keep(fires, gone)
    await take(place)
    (kept,) = place.alerts(place.incidents()[0])
    assert kept.state is AlertState.FIRING


async def test_state_since_and_last_seen_are_told_of_each_alert(place: Place) -> None:
    place.keep(an_alert("web"), an_alert("payments-api"), digest="1")
    await take(place)
    place.clock.go(minutes=3)
    place.keep(an_alert("web", state=AlertState.RESOLVED), digest="2")
    await take(place)
    deep, web = place.alerts(place.incidents()[0])
    assert (deep.state, deep.since, deep.last_seen) == (AlertState.FIRING, START, START)
    assert (web.state, web.since, web.last_seen) == (
        AlertState.RESOLVED,
        START,
        START + timedelta(minutes=3),
    )
    place.clock.go(minutes=3)
    again = START + timedelta(minutes=5)
    place.keep(an_alert("web", starts_at=again), digest="3")
    await take(place)
    _, web = place.alerts(place.incidents()[0])
    assert (web.state, web.since, web.last_seen) == (AlertState.FIRING, again, place.clock.at)


async def test_an_alert_finds_its_incident_however_many_are_open(place: Place) -> None:
    place.keep(an_alert("lonely"), digest="first")
    await take(place)
    first = place.incidents()[0]
    for number in range(250):
        subject = first.subject.model_copy(update={"name": f"s{number}"})
        other = first.model_copy(update={"id": f"INC-{number + 1000}", "subject": subject})
        place.put(other)
    place.keep(an_alert("lonely"), digest="second")
    await take(place)
    assert place.events(EventType.ALERT_RECEIVED)[-1].incident == first.id


@pytest.mark.parametrize(
    ("labels", "kind", "name"),
    [
        ({"alertname": "A", "service": "web"}, TargetKind.SERVICE, "web"),
        ({"alertname": "A"}, TargetKind.UNKNOWN, "unknown"),
    ],
)
async def test_an_incident_says_what_it_is_about(
    place: Place, labels: dict[str, str], kind: TargetKind, name: str
) -> None:
    place.keep(an_alert(labels=labels))
    await take(place)
    (incident,) = place.incidents()
    assert incident.subject == Target(environment=HERE, kind=kind, name=name)
    assert incident.service == name


def storm(count: int, *, names: int = 3) -> list[Alert]:
    services = ("web", "payments-api", "web")
    return [
        an_alert(
            labels={"alertname": f"A{n % names}", "service": services[n % 3], "n": str(n)},
            starts_at=START - timedelta(minutes=1),
        )
        for n in range(count)
    ]


def in_portions(patch: pytest.MonkeyPatch, size: int) -> None:
    """Let a portion hold so many alerts."""
    for name in ("PORTION", "LEAST", "MOST"):
        patch.setattr(f"aiops_agent.workflow.receive.{name}", size)


@pytest.mark.parametrize(
    ("took", "sizes"),
    [
        (0.0, [250, 500, 1000, 1000]),
        (0.1, [250, 375, 562, 843]),
        (0.15, [250, 250, 250, 250]),
        (0.3, [250, 125, 100, 100]),
    ],
)
async def test_a_portion_is_as_large_as_the_store_is_quick(
    place: Place, monkeypatch: pytest.MonkeyPatch, took: float, sizes: list[int]
) -> None:
    """So that others write within a fraction of a second, and a quick store is not slowed down."""
    clock, asked, pauses = [0.0], list[int](), list[float]()
    bodies = [[SimpleNamespace(over=False)], []]

    def portion(_self: Receive, _environment: Any, _around: Any, left: Any, size: int) -> None:
        asked.append(size)
        clock[0] += took
        left[0].over = len(asked) == len(sizes)

    monkeypatch.setattr(Receive, "_bodies", lambda *_: bodies.pop(0))
    monkeypatch.setattr(Receive, "_portion", portion)

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    assert await Receive(place.deps, clock=lambda: clock[0], pause=pause).handle(HERE) == 1
    assert asked == sizes
    assert pauses == [GAP_SECONDS] * 3, "a process that waits for the store gets its turn"


async def taken(place: Place, pauses: list[float]) -> int:
    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    return await Receive(place.deps, pause=pause).handle(HERE)


@pytest.mark.parametrize("names", [3, 1000])
async def test_a_long_body_is_one_incident_at_its_deepest_service_others_write_in_between(
    place: Place, monkeypatch: pytest.MonkeyPatch, names: int
) -> None:
    pauses: list[float] = []
    in_portions(monkeypatch, 40)
    deepest = an_alert("payments-db", labels={"alertname": "Z", "service": "payments-db"})
    place.keep(*storm(299, names=names), deepest)  # the last of the body
    assert await taken(place, pauses) == 1
    (incident,) = place.incidents()
    assert incident.service == "payments-db"
    assert len(place.alerts(incident)) == 300
    assert len(pauses) == 7, "a gap between each two of eight portions"
    assert len(place.events(EventType.ALERT_RECEIVED)) == 299
    assert len(incident.alert_names) == min(names + 1, NAMES, 300)


async def test_a_death_between_two_portions_loses_and_repeats_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_portions(monkeypatch, 40)
    deepest = an_alert("payments-db", labels={"alertname": "Z", "service": "payments-db"})
    place.keep(*storm(199), deepest)  # it leads, and is not the first of the body

    async def dies(_seconds: float) -> None:
        raise KeyboardInterrupt

    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            await Receive(place.deps, pause=dies).handle(HERE)
        place.topology = Company(away=not place.topology.away)  # the order by depth is another
    assert await taken(place, []) == 1
    alerts = [one.key for incident in place.incidents() for one in place.alerts(incident)]
    assert len(alerts) == len(set(alerts)) == 200
    events = place.events(EventType.ALERT_RECEIVED, EventType.INCIDENT_OPENED)
    assert len(events) == len({event.payload.alert for event in events}) == 200  # type: ignore[union-attr]
    assert await taken(place, []) == 0


async def test_progress_that_is_not_kept_is_caught(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_portions(monkeypatch, 40)
    place.keep(*storm(200))

    def forgets(_self: object, _delivery: int, _progress: object) -> None:
        """Keep nothing."""

    with monkeypatch.context() as planted:
        seams.ADVANCE.plant(planted, forgets)

        async def dies(_seconds: float) -> None:
            raise KeyboardInterrupt

        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                await Receive(place.deps, pause=dies).handle(HERE)
    assert any(e.payload.news is AlertNews.AGAIN for e in place.events(EventType.ALERT_RECEIVED))  # type: ignore[union-attr]


async def test_each_portion_shows_a_sign_of_life(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_portions(monkeypatch, 5)
    place.keep(*storm(20))
    portions, alive = [], []

    async def pause(_seconds: float) -> None:
        portions.append(1)

    handled = await Receive(place.deps, pause=pause).handle(HERE, lambda: alive.append(1))

    assert handled == 1
    assert len(alive) == len(portions) + 1 > 2


async def test_in_a_body_of_two_replicas_what_fires_in_another_portion_fires(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    in_portions(monkeypatch, 5)
    labels = {"alertname": "HighLatency", "service": "web"}
    gone = an_alert(labels={**labels, "replica": "b"}, state=AlertState.RESOLVED)
    place.keep(gone, *storm(20), an_alert(labels={**labels, "replica": "a"}))
    await taken(place, pauses)
    (kept,) = (a for a in place.alerts(place.incidents()[0]) if a.name == "HighLatency")
    assert kept.state is AlertState.FIRING


async def test_the_rest_of_an_endless_body_waits_for_the_others(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiops_agent.workflow.intake.PART", 10)
    intake = Intake(place.store, Routes(()), {}, place.clock.now)
    endless, other = storm(25), an_alert("mail", labels={"alertname": "M", "service": "other"})
    given: dict[str, Any] = {"source": "alertmanager", "environment": HERE, "received_at": START}
    whole = Delivery(digest="1", body="all of it", alerts=tuple(endless), **given)
    (kept,) = intake.keep(whole)
    assert (len(kept.alerts), kept.seen) == (25, 1)
    (again,) = intake.keep(whole)
    assert (again.id, again.seen) == (kept.id, 2)
    intake.keep(Delivery(digest="2", body="{}", alerts=(other,), **given))
    with place.store.read() as view:
        waiting = view.inbox.waiting(10, environment=HERE)
        assert [(one.digest, one.part, one.body) for one in waiting] == [
            ("1", 0, "all of it"),
            ("2", 0, "{}"),
            ("1", 1, ""),
            ("1", 2, ""),
        ]
        assert view.inbox.backlog() == Backlog(bodies=4, alerts=26)
    assert await taken(place, []) == 4
    first, _ = place.incidents()
    assert len(place.alerts(first)) == 25


async def test_a_body_that_waits_keeps_its_place_when_it_is_sent_again(place: Place) -> None:
    first = place.keep(an_alert("web"), digest="1")
    place.clock.go(seconds=1)
    place.keep(an_alert("mail"), digest="2")
    place.clock.go(seconds=1)
    again = place.keep(an_alert("web"), digest="1")
    assert (again.id, again.seen) == (first.id, 2)
    with place.store.read() as view:
        assert [one.digest for one in view.inbox.waiting(5)] == ["1", "2"]


async def test_a_repetition_finds_its_incident_among_very_many_of_the_same_moment(
    place: Place,
) -> None:
    place.keep(an_alert("lonely"), digest="first")
    await take(place)
    first = place.incidents()[0]
    with place.store.begin() as work:
        for number in range(600):
            subject = first.subject.model_copy(update={"name": f"s{number}"})
            named = {"id": f"INC-{number + 1000}", "subject": subject}
            work.incidents.put(first.model_copy(update=named))
    place.keep(an_alert("lonely", labels={"alertname": "Other", "service": "lonely"}))
    await take(place)
    assert place.events(EventType.ALERT_RECEIVED)[-1].incident == first.id
    with place.store.read() as view:
        ids = view.incidents.active_ids(HERE)
        assert (len(ids), ids[0]) == (601, first.id), "all of them, the oldest first"
        assert view.incidents.environments() == (HERE,)


async def test_a_topology_that_breaks_holds_up_no_alert(place: Place) -> None:
    class Broken(Company):
        async def graph(self) -> ServiceGraph:
            raise KeyError("a plug-in's own defect")

    place.topology = Broken()
    place.keep(an_alert("web"))
    assert await take(place) == 1
