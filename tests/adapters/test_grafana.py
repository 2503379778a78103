"""Grafana's alert webhook, version 1: the form of Alertmanager's with more in it."""

import json
from datetime import UTC, datetime
from typing import Any

from aiops_agent.adapters import alertmanager
from aiops_agent.domain.alert import AlertState

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
# As the documentation of Grafana 11, "Webhook notifier", shows it (abridged).
BODY: dict[str, Any] = {
    "receiver": "aiops",
    "status": "firing",
    "orgId": 1,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "High memory usage", "team": "blue", "zone": "us-1"},
            "annotations": {
                "description": "The system has high memory usage",
                "runbook_url": "https://myrunbook.com/runbook/1234",
                "summary": "This alert was triggered for zone us-1",
            },
            "startsAt": "2026-11-24T09:21:46.355Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://play.grafana.org/alerting/1afz29v7z/edit",
            "fingerprint": "c6eadffa33fcdf37",
            "silenceURL": "https://play.grafana.org/alerting/silence/new",
            "dashboardURL": "",
            "panelURL": "",
            "values": {"B": 44.23943737541908, "C": 1},
            "valueString": "[ metric='' labels={} value=14151.331895396988 ]",
        },
        {
            "status": "resolved",
            "labels": {"alertname": "High CPU usage", "team": "blue", "zone": "eu-1"},
            "annotations": {},
            "startsAt": "2026-11-24T09:21:46.355Z",
            "endsAt": "2026-11-24T09:25:00Z",
            "generatorURL": "",
            "values": None,
            "valueString": "",
        },
    ],
    "groupLabels": {},
    "commonLabels": {"team": "blue"},
    "commonAnnotations": {},
    "externalURL": "https://play.grafana.org/",
    "version": "1",
    "groupKey": "{}:{}",
    "truncatedAlerts": 0,
    "title": "[FIRING:1]  (blue)",
    "state": "alerting",
    "message": "**Firing**",
}


def test_a_body_of_grafana_is_read_with_the_values_that_its_rule_saw() -> None:
    found = alertmanager.decode_grafana(json.dumps(BODY).encode(), received_at=NOW)
    assert (found.rejected, found.source) == ("", "grafana")
    first, second = found.alerts
    assert (first.source, first.name, first.state) == (
        "grafana",
        "High memory usage",
        AlertState.FIRING,
    )
    assert first.annotations["values"] == "[ metric='' labels={} value=14151.331895396988 ]"
    assert first.runbook == "https://myrunbook.com/runbook/1234"
    assert first.ends_at is None
    assert second.state is AlertState.RESOLVED
    assert "values" not in second.annotations


def test_a_body_at_the_wrong_door_is_told_the_right_one() -> None:
    there = alertmanager.decode(json.dumps(BODY).encode(), received_at=NOW)
    assert there.rejected == "Webhook version 1 is unknown here; send it to /api/v1/grafana."
    other = json.dumps({**BODY, "version": "4"}).encode()
    here = alertmanager.decode_grafana(other, received_at=NOW)
    assert here.rejected == "Webhook version 4 is unknown here; send it to /api/v1/alertmanager."
