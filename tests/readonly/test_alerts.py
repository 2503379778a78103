"""Alerts that a person hands over are read in each form, and what belongs together is."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from aiops_agent.adapters.alertmanager import decode
from aiops_agent.domain.alert import Alert, AlertState
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceName
from aiops_agent.readonly.alerts import MOST_BYTES, as_webhook, began, grouped, named

NOW = datetime(2026, 11, 19, 3, 4, tzinfo=UTC)
LABELS = {"alertname": "HighLatency", "service": "orders"}
ONE = {"labels": LABELS, "annotations": {"summary": "slow"}, "startsAt": "2026-11-19T03:00:00Z"}
ACTIVE = {**ONE, "status": {"state": "active", "silencedBy": []}, "fingerprint": "f"}
RULE = {"labels": LABELS, "state": "firing", "activeAt": "2026-11-19T03:00:00Z", "value": "1"}
PENDING = {"labels": {"alertname": "Later"}, "state": "pending", "activeAt": "x"}
FORMS = {
    "webhook": {"version": "4", "alerts": [{**ONE, "status": "firing"}]},
    "one alert": ONE,
    "a list": [ONE],
    "api/v2/alerts": [ACTIVE],
    "api/v1/alerts": {"status": "success", "data": {"alerts": [RULE, PENDING]}},
}


@pytest.mark.parametrize("form", FORMS)
def test_an_alert_is_the_same_in_each_form(form: str) -> None:
    source, body = as_webhook(json.dumps(FORMS[form]).encode(), "x.json")

    [alert] = decode(body, received_at=NOW).alerts
    assert source == "alertmanager"
    assert (alert.name, alert.labels, alert.state) == ("HighLatency", LABELS, AlertState.FIRING)
    assert alert.starts_at == datetime(2026, 11, 19, 3, 0, tzinfo=UTC)


def test_a_body_of_grafana_is_grafana_s() -> None:
    assert as_webhook(b'{"version": "1", "alerts": []}', "x.json")[0] == "grafana"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "x.json is not JSON"),
        (b"nope", "x.json is not JSON"),
        (b"7", "holds no alert that we can read"),
        (b"[]", "holds no alert"),
        (b'{"a": 1}', "holds no alert"),
        (b"[7]", "holds no alert"),
        (b'{"data": {"alerts": 7}}', "holds no alert"),
        (b'{"data": {"alerts": [7]}}', "holds no alert"),
        (b'{"data": {"alerts": [{"state": "pending", "labels": {}}]}}', "holds no alert"),
        (b" " * (MOST_BYTES + 1), "more than 16 MiB"),
    ],
)
def test_what_is_no_alert_is_told_in_a_sentence(body: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        as_webhook(body, "x.json")


def alert(name: str, service: str, severity: str = "warning", **more: object) -> Alert:
    given = {"source": "alertmanager", "state": "firing", "received_at": NOW, **more}
    labels = {"alertname": name, "service": service, "severity": severity}
    return Alert.model_validate({**given, "labels": labels})


GRAPH = ServiceGraph(
    services=tuple(Service(name=ServiceName(n)) for n in ("web", "orders", "orders-db", "mail")),
    calls=(
        (ServiceName("web"), ServiceName("orders")),
        (ServiceName("orders"), ServiceName("orders-db")),
    ),
)


def test_alerts_along_one_path_are_one_group_led_by_the_deepest() -> None:
    alerts = [alert("A", "web"), alert("B", "orders-db"), alert("C", "mail")]

    first, second = grouped(alerts, GRAPH, {})

    assert (first.service, [one.name for one in first.alerts]) == ("orders-db", ["B", "A"])
    assert second.words == "C (mail)"


def test_the_worst_group_comes_first() -> None:
    alerts = [alert("A", "orders-db"), alert("C", "mail", "critical")]

    assert [one.service for one in grouped(alerts, GRAPH, {})] == ["mail", "orders-db"]


def test_what_is_resolved_or_fires_always_is_no_trouble() -> None:
    alerts = [alert("A", "web", state="resolved"), alert("Watchdog", "web", "none")]

    assert grouped(alerts, GRAPH, {}) == ()


def test_alerts_about_others_are_left_out_when_a_service_is_named() -> None:
    alerts = [alert("A", "web"), alert("C", "mail")]

    assert [one.service for one in grouped(alerts, GRAPH, {}, service="mail")] == ["mail"]


def test_an_alert_is_named_whatever_its_case_and_the_nearest_is_told() -> None:
    alerts = (alert("HighLatency", "web"), alert("HighErrors", "web"))

    assert named(alerts, "highlatency") == alerts[:1]
    with pytest.raises(UsageError, match="Did you mean HighLatency"):
        named(alerts, "HighLatenc")
    with pytest.raises(UsageError, match="There are: HighErrors, HighLatency"):
        named(alerts, "zzz")


@pytest.mark.parametrize("ago", [timedelta(hours=7), timedelta(seconds=-5), None])
def test_a_beginning_that_cannot_be_is_now(ago: timedelta | None) -> None:
    starts = None if ago is None else NOW - ago

    assert began(alert("A", "web", starts_at=starts), NOW) == NOW
