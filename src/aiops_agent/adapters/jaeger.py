"""Spans, read from Jaeger's query service or whatever speaks its HTTP API (VictoriaTraces).

`GET /api/traces` is what its own pages ask: times in microseconds, a service a question, a trace
with all its spans.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2
import orjson

from aiops_agent.adapters.server import Peer
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.duration import Span as Length
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import ServiceName, Span, Window
from aiops_agent.domain.value import Json, Value
from aiops_agent.ports.plug import Connection, Port, Surroundings, Vendor
from aiops_agent.ports.spellings import Secret, WebAddress

NAME = "jaeger"
MOST_SPANS = 5000  # of one question: what is usual of a request shows in far fewer
MOST_SERVICES = 12  # asked for: a trace brings all that it passed
TRACES = 60  # of a service: medians and shares need no more
_AT_ONCE = 4  # questions side by side


class JaegerSettings(Value):
    """Where traces are read: the address under which `/api/traces` is found."""

    url: WebAddress
    timeout: Length = timedelta(seconds=5)
    bearer: Secret | None = None


@dataclass(frozen=True)
class JaegerSpans:
    """The Spans port over one Jaeger."""

    section: JaegerSettings
    transport: httpx2.AsyncBaseTransport | None = None

    async def spans(self, services: Sequence[ServiceName], window: Window) -> tuple[Span, ...]:
        """Return spans inside the window, oldest first; raises SourceError."""
        turn = asyncio.Semaphore(_AT_ONCE)  # the server answers everybody else too
        asked = (self._of(name, window, turn) for name in services[:MOST_SERVICES])
        answers = await asyncio.gather(*asked)
        try:
            traces = {str(one["traceID"]): one for answer in answers for one in answer}
            found = await asyncio.to_thread(_spans, list(traces.values()))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise SourceError(self._server.strange) from error
        inside = (one for one in found if window.start <= one.start < window.end)
        return tuple(sorted(inside, key=lambda one: (one.start, one.trace, one.id)))

    async def names(self) -> tuple[str, ...]:
        """Return the services that were traced; raises SourceError."""
        return tuple(map(str, await self._told("/api/services", {})))

    async def _of(
        self, service: ServiceName, window: Window, turn: asyncio.Semaphore
    ) -> list[Json]:
        asked = {
            "service": service,
            "start": str(_microseconds(window.start)),
            "end": str(_microseconds(window.end)),
            "limit": str(TRACES),
        }
        async with turn:
            return await self._told("/api/traces", asked)

    async def _told(self, path: str, asked: Mapping[str, str]) -> list[Json]:
        body = await self._server.get(path, asked)
        try:
            data = orjson.loads(body)["data"]
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(self._server.strange) from error
        if not isinstance(data, list | None):
            raise SourceError(self._server.strange)
        return data or []

    @property
    def _server(self) -> Peer:
        told = self.section
        return Peer("Jaeger", told.url, told.timeout, told.bearer, self.transport)


def _microseconds(moment: datetime) -> int:
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def _spans(traces: Sequence[Json]) -> list[Span]:
    """Return the spans of whole traces, until there are many."""
    found: list[Span] = []
    for trace in traces:
        if len(found) < MOST_SPANS:
            names = {key: str(one["serviceName"]) for key, one in trace["processes"].items()}
            found += (_span(one, names) for one in trace["spans"])
    return found


def _span(one: Json, names: Mapping[str, str]) -> Span:
    parents = (
        str(ref["spanID"])
        for ref in one.get("references") or ()
        if ref["refType"] == "CHILD_OF" and ref["traceID"] == one["traceID"]
    )
    tags = {str(tag["key"]): tag["value"] for tag in one.get("tags") or ()}
    return Span(
        trace=str(one["traceID"]),
        id=str(one["spanID"]),
        parent=next(parents, ""),
        service=ServiceName(names[one["processID"]]),
        name=str(one["operationName"]),
        start=datetime.fromtimestamp(one["startTime"] / 1e6, UTC),
        length=one["duration"] / 1e6,
        # `error` is OpenTracing's tag; Jaeger writes it for OpenTelemetry's status, too.
        failed=str(tags.get("error", "")).lower() == "true",
    )


async def _check(source: JaegerSpans) -> Checkup:
    try:
        names = await source.names()
    except SourceError as error:
        remedy = "is sources.jaeger.url right?"
        return Checkup(
            group="traces", name=NAME, health=Health.PROBLEM, words=str(error), remedy=remedy
        )
    words = f"jaeger {source.section.url}, {len(names)} services traced"
    return Checkup(group="traces", name=NAME, health=Health.OK if names else Health.NOTE,
                   words=words)  # fmt: skip


def _connect(section: JaegerSettings, _around: Surroundings) -> Connection:
    source = JaegerSpans(section)
    return Connection(check=lambda: _check(source), spans=source)


SOURCE = Vendor(
    name=NAME,
    group="traces",
    settings=JaegerSettings,
    ports=frozenset({Port.SPANS}),
    connect=_connect,
)
