"""Spans of a source become evidence: who adds the time, who fails, who calls whom."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from aiops_agent.agents.diagnose import diagnose
from aiops_agent.domain.diagnosis import Diagnosis
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import (
    LogLine,
    Service,
    ServiceGraph,
    ServiceName,
    Signal,
    Span,
    Window,
)
from aiops_agent.reasoning.gather import NO_CALLS, read_scene
from aiops_agent.reasoning.traced import requests_of, with_traced
from tests.reasoning.test_join import world
from tests.reasoning.world import BEGAN, World

EVERY = timedelta(seconds=5)


@dataclass
class Tracer:
    """Requests of `a`, which asks `b`, which asks `d`, and of `a` alone asking `c`.

    Since BEGAN the own work of `slow` takes longer, and the spans of `failing` are marked.
    """

    slow: str = ""
    failing: str = ""
    broken: bool = False

    async def spans(self, services: Sequence[ServiceName], window: Window) -> tuple[Span, ...]:
        if self.broken:
            raise SourceError("The tracer is away.")
        count = int((window.end - window.start) / EVERY)
        return tuple(
            one for i in range(count) for one in self._request(i, window.start + i * EVERY)
            if one.service in services
        )  # fmt: skip

    def _request(self, number: int, at: object) -> list[Span]:
        assert isinstance(at, type(BEGAN))
        now = at >= BEGAN
        own = {name: 0.4 if now and name == self.slow else 0.01 for name in "abcd"}
        length = {"d": own["d"], "c": own["c"]}
        length["b"] = own["b"] + length["d"]
        length["a"] = own["a"] + length["b"] + length["c"]
        parents = {"a": "", "b": "a", "c": "a", "d": "b"}
        return [
            Span(
                trace=f"{at}",
                id=f"{ord(name):08x}{number:08x}",
                parent=f"{ord(parents[name]):08x}{number:08x}" if parents[name] else "",
                service=ServiceName(name),
                name=f"GET /{name}",
                start=at,
                length=length[name],
                failed=now and name == self.failing,
            )
            for name in parents
        ]


async def blamed(tracer: Tracer, shop: World) -> str:
    """Return the service of the likeliest cause."""
    best = (await looked(tracer, shop)).best
    return best.service if best is not None else ""


async def looked(tracer: Tracer, shop: World) -> Diagnosis:
    """Diagnose a shop of which nobody says who calls whom."""
    shop.calls = ()
    shop.now = BEGAN + timedelta(minutes=4)
    asked = shop.briefing()
    return await diagnose(replace(asked, environment=replace(asked.environment, spans=tracer)))


def pain() -> World:
    """Return a shop whose front is slow and fails, and whose metrics say nothing else."""
    return world(a={Signal.LATENCY: (0.1, 0.5), Signal.ERRORS: (0.001, 0.3)})


@pytest.mark.parametrize("tracer", [Tracer(slow="d"), Tracer(failing="d")], ids=["slow", "failing"])
async def test_the_service_whose_own_spans_changed_is_named(tracer: Tracer) -> None:
    assert await blamed(tracer, pain()) == "d"


async def test_lines_that_name_their_span_are_read_with_its_request() -> None:
    """The tracer marks nothing as failed; the lines of `b` speak of it."""
    tracer, shop = Tracer(), pain()
    since = Window(start=BEGAN, end=BEGAN + timedelta(minutes=4))
    told = await tracer.spans([ServiceName("b")], since)
    shop.log = tuple(
        LogLine(at=one.start, service=one.service, level="", text=f"span_id={one.id} save failed")
        for one in told
    )

    assert await blamed(tracer, shop) == "b"


async def test_spans_tell_who_calls_whom_where_nobody_else_does() -> None:
    shop = pain()
    shop.calls = ()
    asked = shop.briefing()
    seen = replace(asked.environment, spans=Tracer(slow="d"))
    scene = await read_scene(seen, asked.incident, asked.pace.baseline, asked.now)

    assert scene.graph.downstream("a") == ("b", "c", "d")
    assert NO_CALLS not in scene.missing


def test_a_line_that_names_several_spans_is_that_of_the_one_that_was_traced() -> None:
    a = ServiceName("a")
    span = Span(trace="1", id="00000000000000af", service=a, name="get", start=BEGAN, length=0.2)
    text = "get SpanID: 1111111111111111 of trace_id=7 span_id=00000000000000AF"
    line = LogLine(at=BEGAN, service=a, level="", text=text)
    requests = requests_of((span,), (line,), {a: 0}, {"get": 0})

    assert requests is not None
    assert [one.span for one in requests.lines] == [0]


def test_calls_that_spans_tell_are_seen_though_the_graph_was_asked_before() -> None:
    a, b = ServiceName("a"), ServiceName("b")
    graph = ServiceGraph(services=(Service(name=a), Service(name=b)))
    assert graph.callees(a) == ()
    caller = Span(trace="1", id="1", service=a, name="get", start=BEGAN, length=0.2)
    called = Span(trace="1", id="2", parent="1", service=b, name="get", start=BEGAN, length=0.1)

    assert with_traced(graph, (caller, called)).callees(a) == (b,)


async def test_a_tracer_that_is_away_is_told_and_ends_nothing() -> None:
    found = await looked(Tracer(broken=True), pain())

    assert any("spans could not be read" in one for one in found.not_known)
