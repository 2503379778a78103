"""Whatever Prometheus does, the answer is data or one sentence."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from aiops_agent.adapters.prometheus.access import Access
from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.query import Select
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
