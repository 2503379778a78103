"""Which service an alert speaks of, and which incident it belongs to."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from aiops_agent.correlate import AlertOnset, correlate, same_cause, subject_of
from aiops_agent.domain.alert import Alert, AlertState, Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.remediation import Target
from aiops_agent.domain.telemetry import NAMELESS, Service, ServiceGraph, ServiceName
from tests import seams

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
KNOWN = tuple(map(ServiceName, ("web", "payments-api", "payments-db", "mail")))
# web -> payments-api -> payments-db; mail stands alone
GRAPH = ServiceGraph(
    services=tuple(Service(name=name) for name in KNOWN),
    calls=tuple(pairwise(KNOWN[:3])),
)


def an_alert(summary: str = "", **labels: str) -> Alert:
    return Alert(
        source="alertmanager",
        labels={"alertname": "HighLatency", **labels},
        annotations={"summary": summary} if summary else {},
        state=AlertState.FIRING,
        received_at=NOW,
    )


def an_incident(service: ServiceName, opened_at: datetime = NOW) -> Incident:
    return Incident(
        id=IncidentId("INC-0001"),
        environment=EnvironmentRef.parse("shop:a"),
        title="t",
        subject=Target(environment=EnvironmentRef.parse("shop:a"), name=service),
        alert_names=("HighLatency",),
        summary="s",
        severity=Severity.SEV2,
        started_at=opened_at,
        opened_at=opened_at,
    )


@pytest.mark.parametrize(
    ("alert", "service"),
    [
        (an_alert(service="payments-api"), "payments-api"),
        (an_alert(job="node", service="payments-api"), "payments-api"),
        (an_alert(service="new-one"), "new-one"),
        (an_alert(app="new-one", job="web"), "new-one"),
        (an_alert(team="web", service="new-one"), "new-one"),
        (an_alert(service="Payments_API"), "payments-api"),
        (an_alert(pod="payments-api-6d9c7b5f4-x2x7k", job="kube-state-metrics"), "payments-api"),
        (an_alert("payments-api experiencing latency spikes"), "payments-api"),
        (an_alert("payments-api: slow (p95)"), "payments-api"),
        (an_alert("my-payments-api-2 is slow"), "unknown"),
        (an_alert(service=""), "unknown"),
        (an_alert(), "unknown"),
    ],
)
def test_the_most_telling_label_names_the_service_else_the_sentence(
    alert: Alert, service: str
) -> None:
    assert subject_of(alert, KNOWN).service == service


@pytest.mark.parametrize("service", KNOWN)
@pytest.mark.parametrize("other", KNOWN)
def test_callers_and_callees_share_a_cause_and_strangers_do_not(
    service: ServiceName, other: ServiceName
) -> None:
    related = service == other or "mail" not in (service, other)
    found = same_cause(service, NOW, [an_incident(other)], GRAPH, WINDOW)
    assert (found is not None) == related


@pytest.mark.parametrize("away", [timedelta(minutes=5, seconds=1), timedelta(minutes=-6)])
def test_trouble_outside_the_window_is_trouble_of_its_own(away: timedelta) -> None:
    assert same_cause(KNOWN[0], NOW + away, [an_incident(KNOWN[0])], GRAPH, WINDOW) is None


def test_trouble_at_the_edge_of_the_window_belongs_to_it() -> None:
    assert same_cause(KNOWN[0], NOW + WINDOW, [an_incident(KNOWN[0])], GRAPH, WINDOW) is not None


def test_two_alerts_that_name_no_service_share_no_cause() -> None:
    assert same_cause(NAMELESS, NOW, [an_incident(NAMELESS)], GRAPH, WINDOW) is None


# door -> a -> store, door -> b -> other; c, d and e call `quiet`, which never alerts
SYSTEM = ServiceGraph(
    services=tuple(
        Service(name=ServiceName(name))
        for name in ("door", "a", "b", "c", "d", "e", "store", "other", "quiet")
    ),
    calls=tuple(
        (ServiceName(one), ServiceName(callee))
        for one, callee in (
            *(("door", "a"), ("door", "b"), ("a", "store"), ("b", "other")),
            *(("c", "quiet"), ("d", "quiet"), ("e", "quiet")),
        )
    ),
)


def storms(**seconds: float) -> dict[str, set[str]]:
    """Return whom each root explains, when alerts begin at these seconds."""
    names = list(seconds)
    alerts = [
        AlertOnset(ServiceName(name), NOW + timedelta(seconds=at)) for name, at in seconds.items()
    ]
    found = correlate(alerts, SYSTEM)
    return {names[one.root]: {names[n] for n in one.alerts} for one in found}


def test_a_storm_is_put_down_to_the_deepest_that_began_no_later() -> None:
    assert storms(door=40, a=20, store=0) == {"store": {"store", "a", "door"}}
    assert storms(door=-20, a=0, store=30) == {"store": {"store", "a", "door"}}, "rules hold apart"


def test_a_callee_that_began_clearly_later_was_pushed_by_its_caller() -> None:
    assert storms(door=20, a=0, store=150) == {"a": {"a", "door", "store"}}


def test_two_causes_at_once_are_two_and_share_nobody() -> None:
    found = storms(store=0, other=5, a=10, b=12, door=30)
    assert set(found) == {"store", "other"}
    assert sorted(name for group in found.values() for name in group) == sorted(
        ["store", "other", "a", "b", "door"]
    )


@pytest.mark.parametrize(
    ("began", "causes"),
    [({"c": 0, "d": 10}, 1), ({"c": 0, "d": 10, "e": 15}, 1), ({"c": 0}, 1),
     ({"c": 0, "d": 15, "e": 30}, 1), ({"c": 0, "d": 30, "e": 60}, 3), ({"c": 0, "d": 60}, 2),
     ({"a": 0, "b": 0}, 2)],
)  # fmt: skip
def test_a_silent_service_is_behind_those_that_call_it_only_when_most_began_together(
    began: dict[str, float], causes: int
) -> None:
    assert len(storms(**began)) == causes


@pytest.mark.parametrize("planted", [False, True])
def test_a_caller_that_another_caller_explains_is_no_witness(
    monkeypatch: pytest.MonkeyPatch, planted: bool
) -> None:
    """`f` needs `c`, and both call `quiet2`, as `d` does: two causes, not one that is silent."""
    names = [ServiceName(name) for name in ("c", "d", "f", "quiet2")]
    c, d, f, quiet = names
    graph = ServiceGraph(
        services=tuple(Service(name=name) for name in names),
        calls=((c, quiet), (d, quiet), (f, quiet), (f, c)),
    )
    if planted:
        seams.WITNESSES.plant(monkeypatch, lambda callers, _graph: list(callers))
    found = correlate([AlertOnset(name, NOW) for name in (c, d, f)], graph)
    assert len(found) == (1 if planted else 2)


def test_what_names_no_service_is_a_storm_of_its_own() -> None:
    alerts = [
        AlertOnset(NAMELESS, NOW),
        AlertOnset(ServiceName("a"), NOW),
        AlertOnset(NAMELESS, NOW),
    ]
    assert sorted(one.alerts for one in correlate(alerts, SYSTEM)) == [(0,), (1,), (2,)]
    assert correlate([], SYSTEM) == ()


def test_the_order_of_the_alerts_decides_nothing() -> None:
    one = storms(store=0, other=5, a=10, b=12, door=30)
    other = storms(door=30, b=12, a=10, other=5, store=0)
    assert set(one) == set(other)


def test_without_onsets_the_pushed_callee_would_be_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted defect: who began first does not matter."""
    seams.JITTER.plant(monkeypatch, timedelta(days=1))
    assert set(storms(door=20, a=0, store=150)) == {"store"}
