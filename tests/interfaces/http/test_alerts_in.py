"""Is 200 said when an alert is kept, and only then?"""

import json
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from aiops_agent.domain.errors import StoreError
from aiops_agent.interfaces.http import room
from aiops_agent.interfaces.http.inward import MAX_BODY
from tests.adapters.test_alertmanager import body
from tests.adapters.test_alertmanager_mutations import mutations

from .conftest import BEARER, FakeMetrics, FakeService, app_of

PATH = "/api/v1/alertmanager"


@pytest.mark.parametrize("number", range(1, 28))
def test_a_real_body_is_kept_and_answered_200(
    client: TestClient, service: FakeService, metrics: FakeMetrics, number: int
) -> None:
    answer = client.post(PATH, content=body(number), headers=BEARER)

    (kept,) = service.kept
    assert answer.status_code == 200
    assert answer.json()["kept"] == 1
    assert answer.json()["alerts"] == len(kept.alerts)
    assert kept.source == "alertmanager"
    assert metrics.count == 1


def test_alerts_that_were_left_out_are_told_back(client: TestClient) -> None:
    assert client.post(PATH, content=body(9), headers=BEARER).json()["truncated"] == 7


@pytest.mark.parametrize("given", [b"", b"no", b"[]", b"{}", b"[" * 100_000, b"\0", b"\xff"])
def test_a_body_that_is_wrong_is_kept_and_answered_200_with_the_reason(
    client: TestClient, service: FakeService, given: bytes
) -> None:
    answer = client.post(PATH, content=given, headers=BEARER)

    assert (answer.status_code, answer.json()["kept"]) == (200, 1)
    assert answer.json()["rejected"] == service.kept[0].rejected != ""


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer aiops_wrong"},
        {"Authorization": "Basic YW06cHc="},
        {"Authorization": "Bearer " + "x" * 5_000},
        {"Authorization": b"Bearer \xff\xfe"},
        {"Authorization": "aiops_right"},
    ],
)
def test_without_a_token_that_counts_nothing_is_kept(
    client: TestClient, service: FakeService, headers: dict[str, str]
) -> None:
    answer = client.post(PATH, content=body(1), headers=headers)

    assert (answer.status_code, service.kept) == (401, [])
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "error" in answer.json()


async def test_the_token_is_looked_at_before_the_body_is_read(
    service: FakeService, metrics: FakeMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(service, "token", order.append)
    app = app_of(service, metrics, tokens_required=True)
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        order.append("body")
        return {"type": "http.request", "body": b" " * 600_000, "more_body": True}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"authorization", b"Bearer wrong")]
    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b""}
    await app({**scope, "headers": headers}, receive, send)

    assert order == ["wrong", "body", "body"]  # an endless body is not read to its end
    assert sent[0]["status"] == 401
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_server_on_loopback_may_ask_for_no_token(
    door: Callable[[bool], TestClient], service: FakeService
) -> None:
    assert door(False).post(PATH, content=body(1)).status_code == 200
    assert len(service.kept) == 1


def test_the_first_token_counts_at_once_on_a_running_server(
    door: Callable[[bool], TestClient], service: FakeService
) -> None:
    """Who makes one expects that nobody comes in without."""
    client = door(False)
    service.tokens_made = True

    assert client.post(PATH, content=body(1)).status_code == 401
    assert client.post(PATH, content=body(1), headers=BEARER).status_code == 200


def test_a_store_that_keeps_nothing_is_answered_503(
    client: TestClient, service: FakeService
) -> None:
    service.broken = StoreError("The disk is full; free some space.")
    answer = client.post(PATH, content=body(1), headers=BEARER)

    assert answer.status_code == 503
    assert answer.json() == {"error": "The disk is full; free some space."}


def test_a_defect_is_answered_500_without_its_details(
    client: TestClient, service: FakeService
) -> None:
    service.broken = RuntimeError("secret detail")
    answer = client.post(PATH, content=body(1), headers=BEARER)

    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_413(
    client: TestClient, service: FakeService
) -> None:
    fits = client.post(PATH, content=b" " * MAX_BODY, headers=BEARER)
    over = client.post(PATH, content=b" " * (MAX_BODY + 1), headers=BEARER)

    assert (fits.status_code, over.status_code, len(service.kept)) == (200, 413, 1)


def test_a_chunked_body_without_a_length_is_413_beyond_the_limit(
    client: TestClient, service: FakeService
) -> None:
    chunks = (b" " * 1_000_000 for _ in range(20))
    answer = client.post(PATH, content=chunks, headers=BEARER)

    assert (answer.status_code, service.kept) == (413, [])


@pytest.mark.parametrize("length", ["-5", "abc", "1e3", "99999999999999999999"])
def test_a_declared_length_that_lies_is_no_trouble(client: TestClient, length: str) -> None:
    answer = client.post(PATH, content=b"{}", headers={**BEARER, "Content-Length": length})

    assert answer.status_code in (200, 413)


def test_beyond_a_number_of_bodies_at_once_a_sender_is_asked_to_come_again(
    client: TestClient, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MAX_AT_ONCE", 0)
    answer = client.post(PATH, content=body(1), headers=BEARER)

    assert (answer.status_code, service.kept) == (503, [])


@pytest.mark.slow
def test_no_wrong_type_in_any_field_is_answered_with_anything_but_200(client: TestClient) -> None:
    statuses = [
        client.post(PATH, content=json.dumps(mutation).encode(), headers=BEARER).status_code
        for mutation in mutations(json.loads(body(16)))
    ]

    print(f"{len(statuses)} mutated bodies through the door: all 200")
    assert set(statuses) == {200}
    assert len(statuses) > 400


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    [
        PATH,
        f"{PATH}/",
        f"{PATH}//",
        f"/{PATH}",
        f"{PATH}/x",
        "/API/v1/alertmanager",
        "/api/v1/alertmanager%2F",
        "/api/v1/incidents/",
        "/api/v1/incidents",
        "/healthz/",
        "/metrics/",
        "/",
        "//evil.example/",
        "/docs",
        "/openapi.json",
    ],
)
def test_no_path_and_no_method_is_ever_redirected(
    client: TestClient, method: str, path: str
) -> None:
    answer = client.request(method, f"http://testserver{path}", headers=BEARER)

    assert answer.status_code in (200, 404, 405)
    assert "location" not in answer.headers
    if method != "HEAD":
        assert isinstance(answer.json(), dict)


def test_the_path_with_a_slash_at_its_end_takes_alerts_too(
    client: TestClient, service: FakeService
) -> None:
    assert client.post(f"{PATH}/", content=body(1), headers=BEARER).status_code == 200
    assert len(service.kept) == 1


@pytest.mark.parametrize("address", [f"{PATH}/prod-eu", f"{PATH}/x%20y"])
def test_the_name_in_the_path_and_the_token_go_with_the_body(
    client: TestClient, service: FakeService, address: str
) -> None:
    assert client.post(address, content=body(1), headers=BEARER).status_code == 200

    ((name, token),) = service.addressed
    assert name == address.removeprefix(f"{PATH}/").replace("%20", " ")
    assert token
    assert token.name == "own"


def test_alerts_that_no_environment_claims_are_answered_200_with_the_reason(
    client: TestClient, service: FakeService
) -> None:
    service.unclaimed = "No environment claims it."

    answer = client.post(PATH, content=body(1), headers=BEARER)

    assert (answer.status_code, answer.json()["unclaimed"]) == (200, "No environment claims it.")
