"""Are the spans those of the trace, without a word that was said, and is a failure told so?"""

import json
import sys
from itertools import pairwise

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from pydantic import SecretStr

from aiops_agent.adapters.otel.sink import OtlpSink, TelemetrySettings, sink
from aiops_agent.adapters.otel.spans import encoded
from aiops_agent.domain.checkup import Health
from aiops_agent.domain.errors import NotifyError
from aiops_agent.domain.trace import SpanKind, Trace, trace_of
from tests.interfaces.terminal import canned

TRACE = trace_of(canned.RESOLVED, canned.EVENTS, canned.CALLS)


class Collector(httpx2.AsyncBaseTransport):
    """A collector that answers as told and remembers what came."""

    def __init__(self, answer: int | Exception = 200) -> None:
        self.answer = answer
        self.got: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.got.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return httpx2.Response(self.answer)


def read(body: bytes) -> list[Span]:
    """Return the spans of an OTLP body."""
    [resource] = ExportTraceServiceRequest.FromString(body).resource_spans
    [scope] = resource.scope_spans
    return list(scope.spans)


def attributes(span: Span) -> dict[str, object]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def named(name: str, trace: Trace = TRACE) -> list[Span]:
    return [span for span in read(encoded(trace)) if span.name == name]


def test_every_span_of_the_trace_is_there_with_its_ids_and_times() -> None:
    spans = read(encoded(TRACE))

    assert [span.span_id.hex() for span in spans] == [one.id for one in TRACE.spans]
    assert [span.parent_span_id.hex() for span in spans] == [one.parent for one in TRACE.spans]
    assert {span.trace_id.hex() for span in spans} == {TRACE.id}
    lengths = [(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9 for span in spans]
    assert lengths == pytest.approx([one.took for one in TRACE.spans])


def test_each_kind_has_a_name_by_the_conventions() -> None:
    names = {
        one.kind: span.name for one, span in zip(TRACE.spans, read(encoded(TRACE)), strict=True)
    }

    assert names[SpanKind.INCIDENT] == "invoke_workflow incident"
    assert names[SpanKind.AGENT].startswith("invoke_agent ")
    assert names[SpanKind.MODEL].startswith("chat gemini-3.")
    assert names[SpanKind.TOOL] == "execute_tool signal"
    assert set(names) == set(SpanKind)


def test_a_model_call_carries_who_was_asked_tokens_and_cost() -> None:
    first, *_ = named("chat gemini-3.5-flash-lite")

    assert attributes(first) == {
        "gen_ai.conversation.id": "INC-0001",
        "gen_ai.operation.name": "chat",
        "gen_ai.agent.name": "diagnose",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-3.5-flash-lite",
        "gen_ai.response.model": "gemini-3.5-flash-lite-001",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 30,
        "gen_ai.usage.cache_read.input_tokens": 20,
        "gen_ai.usage.reasoning.output_tokens": 10,
        "aiops.cost.usd": 0.01,
        "server.address": "provider.test",
        "server.port": 443,
    }
    assert first.kind == Span.SPAN_KIND_CLIENT


def test_an_unknown_price_is_left_out_and_a_trouble_is_an_error() -> None:
    usage = canned.CALLS[0].usage.model_copy(update={"cost": None})
    unpriced = canned.CALLS[0].model_copy(update={"usage": usage})
    trace = trace_of(canned.RESOLVED, canned.EVENTS, [unpriced, canned.CALLS[3]])
    free, failed = named("chat gemini-3.5-flash-lite", trace)

    assert "aiops.cost.usd" not in attributes(free)
    assert attributes(failed)["error.type"] == "overload"
    assert failed.status.code == Status.STATUS_CODE_ERROR


def test_no_span_says_what_was_said() -> None:
    """Neither prompts nor answers, nor a word out of telemetry or of a person."""
    secret = {"sent": {"prompt": "SECRET"}, "received": {"text": "SECRET"}, "why": "SECRET"}
    calls = [call.model_copy(update=secret) for call in canned.CALLS]
    events = [event.model_copy(update={"message": "SECRET"}) for event in canned.EVENTS]
    incident = canned.RESOLVED.model_copy(
        update={"note": "SECRET", "title": "SECRET", "summary": "SECRET"}
    )

    assert b"SECRET" not in encoded(trace_of(incident, events, calls))


async def test_a_collector_gets_one_request_with_our_headers() -> None:
    collector = Collector()
    to = OtlpSink("http://collector.test:4318", {"x-key": "k"}, collector)
    await to.send(TRACE)
    await to.send(TRACE)

    first, again = collector.got
    assert str(first.url) == "http://collector.test:4318/v1/traces"
    assert first.headers["x-key"] == "k"
    assert first.headers["content-type"] == "application/x-protobuf"
    assert read(first.content) == read(again.content)  # the same ids: no second span


@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        *((404, False), (401, False), (302, False), (429, True), (503, True)),
        (httpx2.ConnectError("away"), True),
        (httpx2.ReadTimeout("slow"), True),
    ],
)
async def test_a_failure_says_whether_to_try_again(answer: int | Exception, retry: bool) -> None:
    with pytest.raises(NotifyError) as caught:
        await OtlpSink("http://collector.test", transport=Collector(answer)).send(TRACE)

    assert caught.value.retry is retry
    assert "http://collector.test/v1/traces" in str(caught.value)


async def test_the_doctor_asks_the_collector() -> None:
    good = await OtlpSink("http://collector.test", transport=Collector()).check()
    bad = await OtlpSink("http://collector.test", transport=Collector(404)).check()

    assert (good.health, bad.health) == (Health.OK, Health.PROBLEM)


def test_nothing_is_sent_unless_an_address_is_set() -> None:
    assert sink(TelemetrySettings()) is None
    assert sink(
        TelemetrySettings(otlp="http://c.test:4318", headers={"a": SecretStr("b")})
    ) == OtlpSink("http://c.test:4318", {"a": "b"})


def test_siblings_are_ordered_and_json_can_say_it_all() -> None:
    told = json.loads(json.dumps(TRACE.told()))

    assert [one["id"] for one in told["spans"]] == [one.id for one in TRACE.spans]
    phases = [one for one in TRACE.spans if one.kind is SpanKind.PHASE]
    assert all(one.start <= other.start for one, other in pairwise(phases))
    assert "opentelemetry.sdk" in sys.modules  # by this test, not by the product: see the house
