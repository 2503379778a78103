"""Whatever Prometheus does, the answer is data or one sentence."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx2
import orjson
import pytest

from aiops_agent.adapters.prometheus.access import Access
from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.query import Select
from aiops_agent.adapters.prometheus.rules import PrometheusAlerts
from aiops_agent.domain.errors import SourceError

from .fake_prometheus import NOW, FakePrometheus, data

UP = Select("up")
Answering = Callable[[httpx2.Request], httpx2.Response]


def client(answer: Answering) -> PrometheusClient:
    return PrometheusClient(url="http://prom.test", transport=httpx2.MockTransport(answer))


def failing(error: Exception) -> Answering:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise error

    return answer


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
async def test_what_is_not_a_number_is_a_gap(value: str) -> None:
    result = [{"metric": {}, "value": [0, value]}]

    samples = await client(
        lambda request: data({"resultType": "vector", "result": result})
    ).instant(UP)

    assert samples[0].value is None


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (failing(httpx2.ReadTimeout("slow")), "did not answer in 5 s"),
        (failing(httpx2.ConnectError("refused")), "cannot be reached: refused"),
        (lambda request: httpx2.Response(200, text="<html>"), "without JSON"),
        (lambda request: httpx2.Response(302, headers={"Location": "/x"}), "without JSON"),
        (lambda request: httpx2.Response(400, json={"error": "bad query"}), "bad query"),
        (lambda request: data({"resultType": "matrix", "result": []}), "with a vector"),
        (lambda request: data({"resultType": "vector", "result": [{}]}), "cannot read"),
        (lambda request: httpx2.Response(200, content=b" " * (33 * 2**20)), "more than we can"),
    ],
)
async def test_every_failure_is_one_sentence(answer: Answering, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        await client(answer).instant(UP)


async def test_too_many_points_are_not_asked_for() -> None:
    with pytest.raises(SourceError, match="more than can be asked"):
        await FakePrometheus().client.range(UP, NOW - timedelta(days=30), NOW, timedelta(seconds=1))


async def test_the_token_is_read_for_each_request(tmp_path: Path) -> None:
    seen = []
    token = tmp_path / "token"

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("Authorization"))
        return data({"version": "3.1"})

    transport = httpx2.MockTransport(answer)
    asking = PrometheusClient(
        url="http://prom.test", transport=transport, access=Access(token_file=token)
    )
    for secret in ("one\n", "two"):
        token.write_text(secret)
        await asking.version()

    assert seen == ["Bearer one", "Bearer two"]


async def test_targets_tell_how_often_they_are_scraped() -> None:
    fake = FakePrometheus(series=[{"__name__": "up", "job": "pay"}], interval="1m30s")

    (target,) = await fake.client.targets()

    assert target.interval == timedelta(seconds=90)


def many(series: int, *, gap: str = "") -> bytes:
    hostile = '\\"metric\\":{'  # a text, not a series
    one = f'{{"metric"{gap}:{gap}{{"job":"{hostile}"}},"value":[0,"1"]}}'
    body = ",".join([one] * series)
    return f'{{"status":"success","data":{{"resultType":"vector","result":[{body}]}}}}'.encode()


@dataclass
class Streamed(httpx2.AsyncByteStream):
    """An answer in small pieces; `read` counts those that were asked for."""

    body: bytes
    piece: int
    read: int = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.body), self.piece):
            self.read += 1
            yield self.body[start : start + self.piece]


@pytest.mark.parametrize("gap", ["", " "])
@pytest.mark.parametrize("piece", [7, 1000])
@pytest.mark.parametrize(("series", "fits"), [(50, True), (51, False), (5000, False)])
async def test_series_are_counted_while_they_come_and_no_further(
    monkeypatch: pytest.MonkeyPatch, gap: str, piece: int, series: int, fits: bool
) -> None:
    monkeypatch.setattr("aiops_agent.adapters.prometheus.client.MOST_SERIES", 50)
    stream = Streamed(many(series, gap=gap), piece)
    asking = client(lambda _: httpx2.Response(200, stream=stream)).instant(UP)
    if fits:
        assert len(await asking) == series
    else:
        with pytest.raises(SourceError, match=r"more than we can read .50 series"):
            await asking
        assert stream.read <= len(many(51, gap=gap)) // piece + 2


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"status":"error","error":"why"}'])
async def test_a_refusal_says_its_real_reason(status: int, body: bytes) -> None:
    with pytest.raises(SourceError) as told:
        await client(lambda _: httpx2.Response(status, content=body)).instant(UP)
    assert str(status) in str(told.value) or "why" in str(told.value)
    assert "is this the address" not in str(told.value)
    if status == 429:
        assert "asked too often" in str(told.value)


async def test_an_answer_that_trickles_ends() -> None:
    class Trickle(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.005)

    slow = client(lambda _: httpx2.Response(200, stream=Trickle()))
    with pytest.raises(SourceError, match="did not answer"):
        await replace(slow, timeout=timedelta(seconds=0.02)).instant(UP)


async def test_an_answer_is_decoded_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    loads = orjson.loads

    def noted(body: bytes) -> object:
        threads.append(threading.get_ident())
        return loads(body)

    monkeypatch.setattr("orjson.loads", noted)
    assert len(await client(lambda _: httpx2.Response(200, content=many(9))).instant(UP)) == 9
    assert threads != [threading.get_ident()]


async def test_what_fires_by_its_own_rules_is_told_and_what_only_may_is_not() -> None:
    labels, since = {"alertname": "Slow", "service": "orders"}, "2026-11-19T03:00:00Z"
    firing = {"labels": labels, "annotations": {}, "state": "firing", "activeAt": since}
    pending = {**firing, "state": "pending"}

    [found] = await PrometheusAlerts(
        client(lambda request: data({"alerts": [firing, pending]}))
    ).firing()

    assert (found.labels, found.starts_at, found.muted) == (labels, since, "")


async def test_alerts_in_another_shape_are_one_sentence() -> None:
    with pytest.raises(SourceError, match="cannot read"):
        await client(lambda request: data({"alerts": [7]})).alerts()
