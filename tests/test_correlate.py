"""Which service an alert speaks of, and which incident it belongs to."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from aiops_agent.correlate import UNKNOWN, same_cause, subject_of
from aiops_agent.domain.alert import Alert, AlertState, Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.remediation import Target
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceName

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
    assert same_cause(UNKNOWN, NOW, [an_incident(UNKNOWN)], GRAPH, WINDOW) is None
