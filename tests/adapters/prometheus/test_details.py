"""What discovery asks besides: each answer helps, none is needed."""

from dataclasses import dataclass, field
from datetime import timedelta

import httpx2

from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.details import details, intervals, stale
from aiops_agent.adapters.prometheus.plug import _check
from aiops_agent.adapters.prometheus.recipe import usual_recipes
from aiops_agent.domain.checkup import Health
from aiops_agent.domain.value import Json

HOUR = 3600.0
ROWS = {"http_requests_total": [{"job": "shop"}]}


@dataclass
class Server:
    """Answers by the path's end or by a part of the query; 404 for all else."""

    answers: dict[str, Json] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def client(self) -> PrometheusClient:
        return PrometheusClient("http://p.test", transport=httpx2.MockTransport(self._answer))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        asked = request.url.path + httpx2.QueryParams(request.content.decode()).get("query", "")
        for part, data in self.answers.items():
            if part in asked:
                told = {"status": "success", "data": data, "warnings": list(self.warnings)}
                return httpx2.Response(200, json=told)
        return httpx2.Response(404, text="not here")


def vector(*samples: tuple[dict[str, str], str]) -> Json:
    result = [{"metric": labels, "value": [0, value]} for labels, value in samples]
    return {"resultType": "vector", "result": result}


async def test_how_often_series_come_is_measured_where_nobody_scrapes() -> None:
    server = Server({"count_over_time": vector(({"job": "shop"}, "10"))})

    assert await intervals(server.client, ROWS) == {"shop": timedelta(seconds=60)}


async def test_who_scrapes_is_believed() -> None:
    target = {"labels": {"job": "shop"}, "scrapeInterval": "30s", "health": "up"}
    server = Server({"/targets": {"activeTargets": [target]}})

    assert await intervals(server.client, ROWS) == {"shop": timedelta(seconds=30)}


async def test_what_a_pushgateway_keeps_is_old_after_an_hour() -> None:
    old, young = ({"exported_job": "nightly"}, "0"), ({"exported_job": "hourly"}, "7000")
    server = Server({"push_time_seconds": vector(old, young)})

    assert await stale(server.client, 2 * HOUR) == {"nightly"}


async def test_a_server_that_knows_none_of_it_is_read_without() -> None:
    server = Server()

    told = await details(server.client, ROWS, usual_recipes())

    assert not any((told.words, told.bounds, told.aside, told.streams))
    assert not await intervals(server.client, ROWS)
    assert not await stale(server.client, HOUR)


async def test_the_doctor_names_the_target_that_is_down_and_what_the_server_warns_of() -> None:
    down = {
        "labels": {"job": "shop", "instance": "10.0.0.1:80"},
        "health": "down",
        "lastError": "connection refused",
    }
    answers = {"/query": vector(), "/targets": {"activeTargets": [down]}}

    found = await _check(Server(answers, warnings=("no store matched",)).client)

    assert found.health is Health.NOTE
    assert "0 of 1 targets up" in found.words
    assert "down: shop 10.0.0.1:80 (connection refused)" in found.words
    assert "it warns: no store matched" in found.words


async def test_what_only_speaks_like_prometheus_is_no_problem() -> None:
    found = await _check(Server({"/query": vector()}).client)

    assert found.health is Health.NOTE
    assert "tells no targets" in found.words


async def test_what_answers_no_query_is_a_problem() -> None:
    assert (await _check(Server().client)).health is Health.PROBLEM
