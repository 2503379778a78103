"""Prometheus' HTTP API, as far as we read it."""

# limit: one client, one method for each address that is asked

import asyncio
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from weakref import WeakKeyDictionary

import httpx2
import orjson

from aiops_agent.adapters.prometheus.access import OPEN, Access, hidden
from aiops_agent.adapters.prometheus.query import Expression
from aiops_agent.adapters.prometheus.words import Words, words
from aiops_agent.domain.alert import SenderAlert
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import AlertRule, RuleState
from aiops_agent.domain.value import Json

MOST_BYTES = 16 * 2**20  # of an answer: more fills the memory, not the picture
MOST_SERIES = 20_000  # of an answer: nobody runs so many services
_MOST_POINTS = 10_000  # Prometheus refuses above 11,000 per series

_MOST_WARNINGS, _LONGEST_WARNING = 5, 200  # kept; characters
_PATIENCE = 4  # timeouts for a whole answer: one that trickles would never end
# Where a series begins. No text within JSON holds it: there a quote is written with a backslash.
_SERIES = re.compile(rb'"metric"\s{0,8}:\s{0,8}\{')
_LONGEST_SIGN = 30  # bytes
_REASONS = {
    404: "does not know this path; check the address",
    429: "is asked too often, by us or by others; it is asked again later",
    500: "is not able to answer now",
}

Labels = Mapping[str, str]
T = TypeVar("T")
# Connections belong to the loop that opened them, and a story may go on in another loop.
_Pools = WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient]


@dataclass(frozen=True)
class Sample:
    """One series at one moment; None when the value is not a number."""

    labels: Labels
    value: float | None


@dataclass(frozen=True)
class RawSeries:
    """One series over time: value by moment, in seconds since 1970."""

    labels: Labels
    points: Mapping[float, float | None]


@dataclass(frozen=True)
class ScrapeTarget:
    """One thing that Prometheus scrapes, as it scrapes it now."""

    labels: Labels
    up: bool
    interval: timedelta | None
    error: str = ""  # why the last scrape failed; untrusted


@dataclass(frozen=True)
class PrometheusClient:
    """Asks one server. Keeps one connection pool per event loop; follows no redirects."""

    url: str
    timeout: timedelta = timedelta(seconds=5)
    access: Access = OPEN
    transport: httpx2.AsyncBaseTransport | None = None
    warnings: dict[str, None] = field(default_factory=dict, compare=False, repr=False)
    _http: _Pools = field(default_factory=WeakKeyDictionary, compare=False, repr=False)

    async def instant(self, query: Expression, at: datetime | None = None) -> tuple[Sample, ...]:
        """Return the value of every series of a query at a moment, by default now."""
        form = {"query": query.render()}
        if at is not None:
            form["time"] = _seconds(at)
        return await self._ask("POST", "/api/v1/query", form, _samples)

    async def range(
        self, query: Expression, start: datetime, end: datetime, step: timedelta
    ) -> tuple[RawSeries, ...]:
        """Return every series of a query from `start` to `end`, both included, each `step`."""
        if step <= timedelta(0) or (end - start) / step > _MOST_POINTS:
            raise SourceError(f"{end - start} in steps of {step} is more than can be asked for.")
        form = {
            "query": query.render(),
            "start": _seconds(start),
            "end": _seconds(end),
            "step": f"{step.total_seconds():.3f}",
        }
        return await self._ask("POST", "/api/v1/query_range", form, _tracks)

    async def metrics(self, since: datetime, until: datetime) -> tuple[str, ...]:
        """Return the names of all metrics that had samples in that time."""
        form = {"start": _seconds(since), "end": _seconds(until)}
        return await self._ask("GET", "/api/v1/label/__name__/values", form, _names)

    async def targets(self) -> tuple[ScrapeTarget, ...]:
        """Return what is scraped now."""
        return await self._ask("GET", "/api/v1/targets", {"state": "active"}, _targets)

    async def metadata(self) -> Mapping[str, Words]:
        """Return what the scraped pages say of each metric."""
        return await self._ask("GET", "/api/v1/metadata", {}, words)

    async def version(self) -> str:
        """Return the server's version."""
        return await self._ask("GET", "/api/v1/status/buildinfo", {}, _version)

    async def rules(self) -> tuple[AlertRule, ...]:
        """Return all alerting rules with their present state."""
        return await self._ask("GET", "/api/v1/rules", {"type": "alert"}, _rules)

    async def alerts(self) -> tuple[SenderAlert, ...]:
        """Return what its own rules say fires, before any Alertmanager has routed it."""
        return await self._ask("GET", "/api/v1/alerts", {}, _firing)

    async def close(self) -> None:
        """Close the connections of the running loop."""
        if (http := self._http.pop(asyncio.get_running_loop(), None)) is not None:
            await http.aclose()

    async def _ask(
        self, method: str, path: str, form: Mapping[str, str], read: Callable[[Json], T]
    ) -> T:
        params, data = (form, None) if method == "GET" else (None, form)
        headers, seconds = self.access.sent(), self.timeout.total_seconds()
        try:
            async with (
                asyncio.timeout(seconds * _PATIENCE),
                self._client().stream(
                    method, path, params=params, data=data, headers=headers
                ) as answer,
            ):
                body = await self._body(answer)
        except (httpx2.TimeoutException, TimeoutError) as error:
            told = f"Prometheus at {self.url} did not answer in {seconds:g} s."
            raise SourceError(told) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = hidden(str(error), headers) or type(error).__name__
            raise SourceError(f"Prometheus at {self.url} cannot be reached: {why}.") from error
        # In a thread: what else this process does goes on meanwhile.
        return await asyncio.to_thread(self._decoded, answer.status_code, body, read, headers)

    async def _body(self, answer: httpx2.Response) -> bytes:
        """Read an answer, and no further than we can use it; raises SourceError."""
        body, series, counted = bytearray(), 0, 0
        async for chunk in answer.aiter_bytes():
            body += chunk
            for found in _SERIES.finditer(body, max(counted - _LONGEST_SIGN, 0)):
                if found.end() > counted:  # else it was counted with the chunk before
                    series += 1
            counted = len(body)
            if len(body) > MOST_BYTES or series > MOST_SERIES:
                over = series > MOST_SERIES
                most = f"{MOST_SERIES:,} series" if over else f"{MOST_BYTES:,} bytes"
                told = f"Prometheus at {self.url} answered more than we can read ({most})."
                raise SourceError(told)
        return bytes(body)

    def _decoded(
        self, status: int, body: bytes, read: Callable[[Json], T], sent: Mapping[str, str]
    ) -> T:
        return _parsed(lambda: read(self._data(status, body, sent)))

    def _data(self, status: int, body: bytes, sent: Mapping[str, str]) -> Json:
        if status in (401, 403):
            told = f"Prometheus at {self.url} does not let us in ({status}); set basic_auth,"
            raise SourceError(f"{told} bearer, token_file, headers or tls of sources.prometheus.")
        try:
            document = orjson.loads(body)
        except ValueError as error:
            why = _REASONS.get(min(500, status), "")
            told = f"answered {status} without JSON; is this the address of a Prometheus?"
            said = f"{why} ({status})." if why else told
            raise SourceError(f"Prometheus at {self.url} {said}") from error
        if not isinstance(document, dict) or document.get("status") != "success":
            reason = document.get("error") if isinstance(document, dict) else None
            said = hidden(str(reason or status), sent)[:200]
            why = f"{_REASONS[status]} ({status})" if status in _REASONS else "refused a question"
            raise SourceError(f"Prometheus at {self.url} {why}: {said}.")
        for warning in document.get("warnings") or ():
            self.warnings[hidden(str(warning), sent)[:_LONGEST_WARNING]] = None
        while len(self.warnings) > _MOST_WARNINGS:
            del self.warnings[next(iter(self.warnings))]
        return document.get("data")

    def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._http:
            self._http[loop] = httpx2.AsyncClient(
                base_url=self.url,
                timeout=self.timeout.total_seconds(),
                transport=self.transport,
                verify=self.access.context(),
                follow_redirects=False,
                trust_env=False,
            )
        return self._http[loop]


def _seconds(at: datetime) -> str:
    return f"{at.astimezone(UTC).timestamp():.3f}"


def _number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _parsed(read: Callable[[], T]) -> T:
    try:
        return read()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise SourceError("Prometheus answered in a shape that we cannot read.") from error


def _samples(data: Json) -> tuple[Sample, ...]:
    return tuple(_sample(one) for one in _vector(data, "vector"))


def _tracks(data: Json) -> tuple[RawSeries, ...]:
    return tuple(_track(one) for one in _vector(data, "matrix"))


def _names(data: Json) -> tuple[str, ...]:
    return tuple(str(one) for one in data) if isinstance(data, list) else ()


def _targets(data: Json) -> tuple[ScrapeTarget, ...]:
    return tuple(_target(one) for one in data["activeTargets"])


def _version(data: Json) -> str:
    return str(data.get("version", "unknown")) if isinstance(data, dict) else "unknown"


def _rules(data: Json) -> tuple[AlertRule, ...]:
    return tuple(_rule(group, rule) for group in data["groups"] for rule in group["rules"])


def _sample(one: Json) -> Sample:
    return Sample(_labels(one), _number(one["value"][1]))


def _track(one: Json) -> RawSeries:
    return RawSeries(_labels(one), {float(at): _number(text) for at, text in one["values"]})


def _labels(one: Json) -> Labels:
    return {str(name): str(value) for name, value in one.get("metric", {}).items()}


def _rule(group: Json, rule: Json) -> AlertRule:
    state = str(rule.get("state", ""))
    return AlertRule(
        name=str(rule["name"]),
        group=str(group.get("name", "")),
        expression=str(rule.get("query", "")),
        hold=timedelta(seconds=float(rule.get("duration") or 0)),
        labels=dict(rule.get("labels") or {}),
        annotations=dict(rule.get("annotations") or {}),
        state=RuleState(state) if state in set(RuleState) else RuleState.UNKNOWN,
    )


def _firing(data: Json) -> tuple[SenderAlert, ...]:
    return tuple(
        SenderAlert(
            labels=one["labels"],
            annotations=one.get("annotations") or {},
            starts_at=str(one.get("activeAt", "")),
        )
        for one in data["alerts"]
        if one["state"] == RuleState.FIRING
    )


def _vector(data: Json, kind: str) -> Sequence[Json]:
    if not isinstance(data, dict) or data.get("resultType") != kind:
        raise SourceError(f"Prometheus did not answer with a {kind}.")
    return list(data.get("result") or ())


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def _target(one: Json) -> ScrapeTarget:
    parts = re.findall(r"(\d{1,9})(ms|[smhd])", str(one.get("scrapeInterval", "")))
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    every = timedelta(seconds=total) if total else None
    error = str(one.get("lastError") or "")
    return ScrapeTarget(one.get("labels", {}), one.get("health") == "up", every, error)
