"""A small stand-in for Prometheus' HTTP API: it knows some series and how to project them."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx2

from aiops_agent.adapters.prometheus.client import PrometheusClient

# Discovery's further questions: the bounds of histograms, the routes of health checks and streams.
_DETAILS = re.compile(r"count by \(__name__, (?:job, le|handler)")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    async def wait_until(self, at: datetime) -> None:
        return None


@dataclass
class FakePrometheus:
    """Answers discovery from `series`, and every range query with `answers`.

    A query of one moment that contains a key of `now` is answered with its rows. `words` is the
    metadata by metric.
    """

    series: list[dict[str, str]] = field(default_factory=list)
    interval: str = "5s"
    answers: list[dict[str, object]] = field(default_factory=list)
    now: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    words: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def client(self) -> PrometheusClient:
        transport = httpx2.MockTransport(self._answer)
        return PrometheusClient(url="http://prom.test:9090", transport=transport)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        form = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
        path = request.url.path
        if path.endswith("/__name__/values"):
            return data(sorted({one["__name__"] for one in self.series}))
        if path.endswith("/metadata"):
            return data(self.words)
        if path.endswith("/targets"):
            jobs = sorted({one.get("job", "") for one in self.series})
            labels = [{"labels": {"job": j}, "scrapeInterval": self.interval} for j in jobs]
            return data({"activeTargets": [{**one, "health": "up"} for one in labels]})
        if not _DETAILS.search(form["query"]):
            self.asked.append(form["query"])
        if path.endswith("/query_range"):
            return data({"resultType": "matrix", "result": self.answers})
        return data({"resultType": "vector", "result": self._rows(form["query"])})

    def _rows(self, query: str) -> list[dict[str, object]]:
        rows = next((rows for part, rows in self.now.items() if part in query), None)
        if rows is not None:
            return rows
        by = re.findall(r"by \((.*?)\)", query)[0]
        if "handler=~" in query:  # asks for routes of health checks or streams
            return []
        named = re.findall(r"__name__=~?.(.*?)[\"][,}]", query)[0]
        names, wanted = json.loads(f'"{named}"').split("|"), by.split(", ")
        found = [
            {name: one[name] for name in wanted if name in one}
            for one in self.series
            if one["__name__"] in names
        ]
        return [{"metric": row, "value": [0, "1"]} for row in found]


def data(content: object) -> httpx2.Response:
    """A successful answer."""
    return httpx2.Response(200, json={"status": "success", "data": content})


def track(start: datetime, step: timedelta, *values: str, **labels: str) -> dict[str, object]:
    """One series of a range answer."""
    points = [[(start + i * step).timestamp(), value] for i, value in enumerate(values)]
    return {"metric": labels, "values": points}
