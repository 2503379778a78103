"""Spans as Jaeger's HTTP API tells them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from aiops_agent.adapters import server
from aiops_agent.adapters.jaeger import JaegerSettings, JaegerSpans
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import ServiceName, Window

AT = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
WINDOW = Window(start=AT, end=AT + timedelta(minutes=1))
WEB, API = ServiceName("web"), ServiceName("api")


def span(name: str, process: str, start: float, parent: str = "", **tags: Any) -> dict[str, Any]:
    return {
        "traceID": "9bfe83",
        "spanID": name,
        "operationName": f"GET /{name}",
        "references": [{"refType": "CHILD_OF", "traceID": "9bfe83", "spanID": parent}]
        if parent
        else [],
        "startTime": int((AT.timestamp() + start) * 1e6),
        "duration": 1503,
        "tags": [{"key": key, "type": "bool", "value": value} for key, value in tags.items()],
        "processID": process,
    }


def traces(*spans: dict[str, Any]) -> dict[str, Any]:
    processes = {"p1": {"serviceName": "web"}, "p2": {"serviceName": "api"}}
    return {"data": [{"traceID": "9bfe83", "spans": list(spans), "processes": processes}]}


def source(body: Any, asked: list[httpx2.Request] | None = None) -> JaegerSpans:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if asked is not None:
            asked.append(request)
        if isinstance(body, Exception):
            raise body
        return httpx2.Response(body) if isinstance(body, int) else httpx2.Response(200, json=body)

    section = JaegerSettings.model_validate({"url": "http://jaeger.test:16686/ui"})
    return JaegerSpans(section, httpx2.MockTransport(answer))


async def test_each_span_is_told_once_with_its_parent_and_whether_it_failed() -> None:
    asked: list[httpx2.Request] = []
    body = traces(span("a", "p1", 1.0), span("b", "p2", 1.001, "a", error=True))
    first, second = await source(body, asked).spans([WEB, API], WINDOW)

    assert (first.service, first.parent, first.failed) == (WEB, "", False)
    assert (second.service, second.parent, second.failed) == (API, "a", True)
    assert second.length == pytest.approx(0.001503)
    assert [one.url.params["service"] for one in asked] == ["web", "api"]
    assert asked[0].url.path == "/ui/api/traces"
    assert asked[0].url.params["start"] == str(int(AT.timestamp() * 1e6))


async def test_what_began_outside_the_window_is_left_out() -> None:
    """Jaeger returns whole traces."""
    body = traces(span("a", "p1", -0.5), span("b", "p2", 1.0, "a"))

    assert [one.id for one in await source(body).spans([WEB], WINDOW)] == ["b"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (503, "answered 503"),
        ({"data": [{"traceID": "x"}]}, "cannot read"),
        ({"data": "none"}, "cannot read"),
        ([], "cannot read"),
        (httpx2.ConnectError("no"), "cannot be reached"),
    ],
)
async def test_what_it_does_not_tell_is_said(body: Any, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        await source(body).spans([WEB], WINDOW)


async def test_an_answer_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_BYTES", 10)

    with pytest.raises(SourceError, match="more than we can read"):
        await source(traces()).spans([WEB], WINDOW)
