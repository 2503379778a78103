"""The trace of an incident comes from what is stored of it, and is the same every time."""

from datetime import timedelta
from itertools import pairwise

from aiops_agent.domain.event import Event
from aiops_agent.domain.model import ModelCall, Trouble
from aiops_agent.domain.payload import IncidentOpened
from aiops_agent.domain.trace import SpanKind, Trace, TraceSpan, trace_of
from tests.interfaces.terminal import canned
from tests.interfaces.terminal.canned import a_call


def drawn(*calls: ModelCall, events: tuple[Event, ...] = canned.EVENTS) -> Trace:
    return trace_of(canned.RESOLVED, events, calls)


def of_kind(trace: Trace, kind: SpanKind) -> list[TraceSpan]:
    return [span for span in trace.spans if span.kind is kind]


def test_the_same_incident_gives_the_same_spans() -> None:
    calls = (a_call(tools=("signal",)), a_call(2, 0.1))

    assert drawn(*calls) == drawn(*calls)
    assert len({span.id for span in drawn(*calls).spans}) == len(drawn(*calls).spans)


def test_the_stored_id_is_used_and_an_older_incident_gets_one() -> None:
    opened = next(e for e in canned.EVENTS if isinstance(e.payload, IncidentOpened))
    payload = opened.payload.model_copy(update={"trace": "ab" * 16})
    stored = opened.model_copy(update={"payload": payload})
    events = tuple(stored if event is opened else event for event in canned.EVENTS)
    later = opened.model_copy(update={"written_at": opened.written_at + timedelta(seconds=-1)})
    other = tuple(later if event is opened else event for event in canned.EVENTS)

    assert drawn(events=events).id == "ab" * 16
    assert len(drawn().id) == 32
    assert drawn().id != drawn(events=other).id  # another store counts from INC-0001 too


def test_phases_follow_one_another_without_a_gap() -> None:
    trace = drawn()
    phases = of_kind(trace, SpanKind.PHASE)

    assert [p.name for p in phases] == [
        *("alert", "triage", "diagnose", "plan", "review", "approve", "act", "verify", "report")
    ]
    assert phases[0].start == trace.root.start
    assert phases[-1].end == trace.root.end
    assert all(one.end == next_.start for one, next_ in pairwise(phases))
    assert sum(p.environment or 0 for p in phases) == trace.root.environment == 131


def test_every_parent_stands_before_its_child() -> None:
    seen = {""}
    for span in drawn(a_call(tools=("signal", "logs")), a_call(2, 0.1)).spans:
        assert span.parent in seen
        seen.add(span.id)


def test_a_call_belongs_to_the_work_it_was_made_for() -> None:
    trace = drawn(a_call(), a_call(2, seconds=5.0))
    by_id = {span.id: span for span in trace.spans}
    for call in of_kind(trace, SpanKind.MODEL):
        parent = by_id[call.parent]
        assert (parent.kind, parent.name) == (SpanKind.AGENT, "diagnose")
        assert parent.start <= call.start  # also when its own stopwatch began later
        assert parent.end >= call.end


def test_a_tool_lasts_from_the_answer_that_asked_for_it_to_the_next_request() -> None:
    [tool] = of_kind(drawn(a_call(tools=("signal",)), a_call(2, 0.1)), SpanKind.TOOL)

    assert tool.name == "signal"
    assert round(tool.took, 6) == 0.05  # 0.2 s before: asked for; 0.15: answered; 0.1: asked on


def test_a_failed_call_says_why() -> None:
    [call] = of_kind(drawn(a_call(trouble=Trouble.OVERLOAD, why="busy")), SpanKind.MODEL)

    assert call.failed
    assert call.words == "overload: busy"


def test_the_wait_for_a_person_is_a_span() -> None:
    [wait] = of_kind(drawn(), SpanKind.WAIT)
    asking = [e for e in canned.EVENTS if e.written_at <= wait.start]

    assert (wait.took, wait.words) == (22.0, "approved (terminal)")
    [waiting] = of_kind(drawn(events=tuple(asking)), SpanKind.WAIT)
    assert (waiting.took, waiting.words) == (0.0, "still waits")


def test_the_root_adds_up_what_was_sent() -> None:
    assert drawn(a_call(), a_call(2)).root.usage.tokens == 260
    assert drawn().root.usage.requests == 0


def test_what_comes_after_the_report_is_no_part_of_it() -> None:
    late = canned.EVENTS[-1].model_copy(
        update={
            "key": "late",
            "written_at": canned.EVENTS[-1].written_at + timedelta(hours=1),
            "payload": canned.EVENTS[2].payload,
        }
    )
    asked = a_call(3, seconds=-3600)

    assert drawn(a_call(), asked, events=(*canned.EVENTS, late)) == drawn(a_call())
