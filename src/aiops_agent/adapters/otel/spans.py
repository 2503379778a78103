"""From our trace to OpenTelemetry's spans, by its conventions for generative AI.

Names, numbers and fixed words only: no prompt, no answer and no text out of telemetry is in a span.
"""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace import SpanKind as Side
from opentelemetry.trace.status import Status, StatusCode

from aiops_agent import __version__
from aiops_agent.domain.trace import SpanKind, Trace, TraceSpan

# The names as of semantic conventions 1.41, the last release that held them: "Development" all.
CONVENTIONS = "https://opentelemetry.io/schemas/1.41.0"
OPERATION, CONVERSATION = "gen_ai.operation.name", "gen_ai.conversation.id"
WORKFLOW, AGENT = "gen_ai.workflow.name", "gen_ai.agent.name"
PROVIDER, ASKED = "gen_ai.provider.name", "gen_ai.request.model"
ANSWERED = "gen_ai.response.model"
TOOL, TOOL_TYPE = "gen_ai.tool.name", "gen_ai.tool.type"
INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
CACHED = "gen_ai.usage.cache_read.input_tokens"
REASONING = "gen_ai.usage.reasoning.output_tokens"
_PROVIDERS = {"gemini": "gcp.gemini"}  # as the conventions call it; the others keep their name

Attributes = dict[str, str | int | float]


def encoded(trace: Trace) -> bytes:
    """Return a trace as the body of an OTLP request."""
    body: bytes = encode_spans(spans_of(trace)).SerializeToString()
    return body


def spans_of(trace: Trace) -> list[ReadableSpan]:
    """Return OpenTelemetry's spans of a trace, with the ids that it has."""
    about = {
        "service.name": "aiops-agent",
        "service.version": __version__,
        "deployment.environment.name": str(trace.environment),
    }
    resource = Resource(about, CONVENTIONS)
    scope = InstrumentationScope("aiops_agent", __version__, CONVENTIONS)
    return [_span(trace, one, resource, scope) for one in trace.spans]


def _span(
    trace: Trace, one: TraceSpan, resource: Resource, scope: InstrumentationScope
) -> ReadableSpan:
    name, attributes = _named(trace, one)
    used = one.usage
    if used.requests:
        attributes |= {
            INPUT: used.input,
            OUTPUT: used.output,
            CACHED: used.cached_input,
            REASONING: used.reasoning,
        }
        if used.cost is not None:  # an unknown price is no zero
            attributes["aiops.cost.usd"] = used.cost
    if one.environment is not None:
        attributes["aiops.environment.seconds"] = one.environment
    return ReadableSpan(
        name,
        context=_context(trace, one.id),
        parent=_context(trace, one.parent) if one.parent else None,
        resource=resource,
        attributes=attributes,
        kind=Side.CLIENT if one.kind is SpanKind.MODEL else Side.INTERNAL,
        status=Status(StatusCode.ERROR if one.failed else StatusCode.UNSET),
        start_time=_nanoseconds(one.start),
        end_time=_nanoseconds(one.end),
        instrumentation_scope=scope,
    )


def _named(trace: Trace, one: TraceSpan) -> tuple[str, Attributes]:
    facts = one.facts
    given: Attributes = {CONVERSATION: trace.incident}
    match one.kind:
        case SpanKind.INCIDENT:
            severity = facts.get("severity", "")
            about = {"aiops.incident.severity": severity, "aiops.incident.outcome": one.words}
            flow = {OPERATION: "invoke_workflow", WORKFLOW: "incident"}
            return "invoke_workflow incident", given | flow | about
        case SpanKind.PHASE:
            return f"aiops.phase {one.name}", given | {"aiops.phase": one.name}
        case SpanKind.AGENT:
            about = {OPERATION: "invoke_agent", AGENT: one.name, "aiops.answered_by": one.by}
            return f"invoke_agent {one.name}", given | about
        case SpanKind.MODEL:
            return f"chat {one.name}", given | _request(one)
        case SpanKind.TOOL:
            about = {OPERATION: "execute_tool", TOOL: one.name, TOOL_TYPE: "function"}
            return f"execute_tool {one.name}", given | about
        case SpanKind.POLICY | SpanKind.WAIT:
            kind = "policy" if one.kind is SpanKind.POLICY else "approval"
            return f"aiops.{kind}", given | {f"aiops.{kind}.{n}": v for n, v in facts.items()}
        case SpanKind.RUN:
            return "aiops.run", given


def _request(one: TraceSpan) -> Attributes:
    facts = one.facts
    provider, place = str(facts["provider"]), urlsplit(str(facts["place"]))
    about: Attributes = {
        OPERATION: "chat",
        AGENT: facts["agent"],
        PROVIDER: _PROVIDERS.get(provider, provider),
        ASKED: facts["model"],
        "server.address": place.hostname or "",
    }
    if place.port:
        about["server.port"] = place.port
    if facts["answered_by"]:
        about[ANSWERED] = facts["answered_by"]
    if facts["trouble"]:
        about["error.type"] = facts["trouble"]
    return about


def _context(trace: Trace, span: str) -> SpanContext:
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(trace.id, 16), int(span, 16), is_remote=False, trace_flags=sampled)


def _nanoseconds(moment: datetime) -> int:
    length = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (length.days * 86_400 + length.seconds) * 10**9 + length.microseconds * 1000
