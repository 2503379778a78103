"""Spans and lines that ports told, as requests: who was called, how long it took, what was written.

That a line names its span (`span_id`) is OpenTelemetry's convention for logs in any format.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from aiops_agent.domain.errors import NoSource, SourceError
from aiops_agent.domain.telemetry import (
    LogLine,
    Service,
    ServiceGraph,
    ServiceName,
    Span,
    Window,
)
from aiops_agent.ports.telemetry import Environment
from aiops_agent.reasoning.observations import LogRecord, Requests

SPAN_OF_LINE = re.compile(r"(?i)\bspan[_.-]?id\W{1,4}([0-9a-f]{16})\b")
LONGEST = 2000  # characters of a line in which its span is looked for
FAILED = "the request failed"  # said in place of a line by a span that its tracer marked as failed


async def read_spans(
    environment: Environment, services: Sequence[ServiceName], usual: Window, faulty: Window
) -> tuple[tuple[Span, ...], tuple[Span, ...], str]:
    """Return the spans of both times, () where there are none, and why they could not be read."""
    try:
        before = await environment.spans.spans(services, usual)
        after = await environment.spans.spans(services, faulty)
    except NoSource:  # most environments trace nothing: that is no loss
        return (), (), ""
    except SourceError as error:
        return (), (), f"spans could not be read: {error}"
    return before, after, ""


def with_traced(graph: ServiceGraph, spans: Sequence[Span]) -> ServiceGraph:
    """Return the graph with every service that was traced, and with calls if it knew none."""
    known = set(graph.names)
    new = dict.fromkeys(one.service for one in spans if one.service not in known)
    services = (*graph.services, *(Service(name=name) for name in new))
    calls = graph.calls
    if not calls:
        by = {(one.trace, one.id): one.service for one in spans}
        pairs = ((by.get((one.trace, one.parent)), one.service) for one in spans)
        calls = tuple(sorted({(a, b) for a, b in pairs if a is not None and a != b}))
    # A changed copy of a graph would keep what was worked out of its calls.
    return ServiceGraph(services=services, calls=calls)


def operations_of(*spans: Sequence[Span]) -> dict[str, int]:
    """Return a number for the name of each operation."""
    names = dict.fromkeys(one.name for some in spans for one in some)
    return {name: number for number, name in enumerate(names)}


def requests_of(
    spans: Sequence[Span],
    lines: Sequence[LogLine],
    services: Mapping[ServiceName, int],
    operations: Mapping[str, int],
) -> Requests | None:
    """Return spans with the lines written meanwhile; None without any span."""
    known = [one for one in spans if one.service in services]
    if not known:
        return None
    number = {(one.trace, one.id): i for i, one in enumerate(known)}
    first = min(one.start for one in known)
    by_id = {one.id.lower(): i for i, one in enumerate(known)}
    failed = (LogRecord(services[one.service], i, FAILED) for i, one in enumerate(known)
              if one.failed)  # fmt: skip
    written = (
        LogRecord(services[one.service], _span_of(one, by_id), one.text)
        for one in lines
        if one.service in services
    )
    return Requests(
        service=np.array([services[one.service] for one in known], dtype=np.int64),
        operation=np.array([operations[one.name] for one in known], dtype=np.int64),
        parent=np.array([number.get((one.trace, one.parent), -1) for one in known], dtype=np.int64),
        start_ms=np.array([(one.start - first) / timedelta(milliseconds=1) for one in known]),
        length_ms=np.array([1000.0 * one.length for one in known]),
        lines=(*failed, *written),
    )


def _span_of(line: LogLine, by_id: Mapping[str, int]) -> int:
    # A line may name others too: those of another tracer, or of whom it called.
    named = (found[1].lower() for found in SPAN_OF_LINE.finditer(line.text[:LONGEST]))
    return next((by_id[one] for one in named if one in by_id), -1)
