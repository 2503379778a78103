"""Do the pages for machines say what is so?"""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from aiops_agent.domain.alert import IncidentAlert
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.incident import Incident, IncidentSummary
from tests.contracts.samples import a_kept_alert, an_incident

from .conftest import BEARER, FakeService


def test_health_is_the_process_and_readiness_the_store(
    client: TestClient, service: FakeService
) -> None:
    service.readiness = (False, "The store is read-only.")
    health, ready = client.get("/healthz"), client.get("/readyz")

    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    assert ready.status_code == 503
    assert ready.json() == {"ready": False, "why": "The store is read-only."}
    service.readiness = (True, "ready")
    assert client.get("/readyz").status_code == 200


def test_metrics_are_plain_text_and_need_no_token(client: TestClient) -> None:
    answer = client.get("/metrics")

    assert (answer.status_code, answer.text) == (200, "aiops_fake 0\n")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_incidents_are_given_as_they_are_kept(client: TestClient, service: FakeService) -> None:
    service.stored.append(an_incident(summary="\x1b[31m\u202e€", title="x"))
    listed = client.get(
        "/api/v1/incidents?open=true&before=INC-7&limit=5&environment=shop:a", headers=BEARER
    )
    one = client.get("/api/v1/incidents/INC-0001", headers=BEARER)

    assert IncidentSummary.of(listed.json()["incidents"][0]) == service.stored[0].in_short
    shown = one.json()
    alerts, total = shown.pop("alerts"), shown.pop("alerts_total")
    assert Incident.of(shown) == service.stored[0]
    assert [IncidentAlert.of(alert) for alert in alerts] == [a_kept_alert()]
    assert total == 7
    assert service.asked == [(True, "INC-7", 5, EnvironmentRef.parse("shop:a"))]


def test_incidents_need_a_token_when_the_server_asks_for_one(
    client: TestClient, door: Callable[[bool], TestClient]
) -> None:
    for path in ("/api/v1/incidents", "/api/v1/incidents/INC-0001"):
        assert client.get(path).status_code == 401
    assert door(False).get("/api/v1/incidents").status_code == 200


def test_an_unknown_incident_is_404_in_one_sentence(client: TestClient) -> None:
    answer = client.get("/api/v1/incidents/INC-9", headers=BEARER)

    assert answer.status_code == 404
    assert answer.json() == {"error": "There is no incident 'INC-9'."}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "limit=100000", "open=perhaps", "environment=a"]
)
def test_a_wrong_question_is_400_and_names_the_field(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/v1/incidents?{query}", headers=BEARER)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(query.partition("=")[0])


def test_a_store_that_does_not_answer_is_503(client: TestClient, service: FakeService) -> None:
    service.broken = StoreError("The store is locked.")

    assert client.get("/api/v1/incidents", headers=BEARER).status_code == 503


def test_a_token_reads_only_the_environments_that_it_names(
    client: TestClient, service: FakeService
) -> None:
    here = EnvironmentRef.parse("docker:local")
    service.scope = (EnvironmentRef.parse("docker:eu"), here)
    service.stored.append(an_incident())

    assert client.get("/api/v1/incidents", headers=BEARER).status_code == 200
    assert [asked[-1] for asked in service.asked] == list(service.scope)
    assert client.get("/api/v1/incidents/INC-0001", headers=BEARER).status_code == 200
    service.scope = service.scope[:1]
    other = client.get("/api/v1/incidents?environment=docker:local", headers=BEARER)
    assert (
        other.status_code,
        client.get("/api/v1/incidents/INC-0001", headers=BEARER).status_code,
    ) == (403, 403)
    assert other.json() == {"error": "This token may not address docker:local."}
