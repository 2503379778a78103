"""One incident as a tree of spans, drawn from what is stored of it; it needs no running process.

Ids are digests of what a span stands for, so the same incident gives the same spans, however often
and wherever the trace is drawn. All times are wall time.
"""

# limit: one file says what each kind of span is made of, so that screen and export agree

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from aiops_agent.domain.answer import AuthorKind, Effort, Usage
from aiops_agent.domain.approval import Verdict
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.model import ModelCall
from aiops_agent.domain.payload import (
    ApprovalDecided,
    ApprovalEnded,
    ApprovalPending,
    EventType,
    IncidentOpened,
    PolicyDecided,
)
from aiops_agent.domain.timing import QUESTIONS, usage_of, usage_of_calls, worker_of
from aiops_agent.domain.value import Document, Value, digest

# They come at any time and belong to no phase.
_ASIDE = (
    EventType.ALERT_RECEIVED,
    EventType.HANDS_CHANGED,
    EventType.PEOPLE_TOLD,
    *QUESTIONS,
)
_RUNS = (EventType.ACTION_FINISHED, EventType.UNDO_FINISHED)


class SpanKind(StrEnum):
    """What a span stands for."""

    INCIDENT = "incident"
    PHASE = "phase"
    AGENT = "agent"
    MODEL = "model"
    TOOL = "tool"
    POLICY = "policy"
    WAIT = "wait"  # for a person
    RUN = "run"  # of an approved plan, or of its undo


class TraceSpan(Value):
    """One piece of an incident. `parent` is "" for the root, `words` says how it went."""

    id: str  # 16 hex digits
    parent: str = ""
    kind: SpanKind
    name: str
    start: datetime
    end: datetime
    environment: float | None = None  # seconds of the environment's clock, where it has its own
    by: str = ""  # who answered
    words: str = ""
    failed: bool = False
    usage: Usage = Usage()
    facts: dict[str, str | int | float] = {}

    @property
    def took(self) -> float:
        """Seconds of wall time."""
        return (self.end - self.start).total_seconds()


class Trace(Value):
    """All spans of one incident, parents before children, siblings as they began."""

    id: str  # 32 hex digits
    incident: str
    environment: EnvironmentRef
    spans: tuple[TraceSpan, ...]

    @property
    def root(self) -> TraceSpan:
        """The whole incident."""
        return self.spans[0]

    def told(self) -> Document:
        """Return it as data for programs, with what each span took."""
        spans = [{**one.document(), "took": round(one.took, 6)} for one in self.spans]
        return {**self.document(), "spans": spans}


def trace_id(incident: str, environment: EnvironmentRef, first: Event) -> str:
    """Return the id of an incident's trace: the one stored at its opening, else made from it."""
    stored = first.payload.trace if isinstance(first.payload, IncidentOpened) else ""
    return stored or new_trace_id(incident, environment, first.written_at)


def new_trace_id(incident: str, environment: EnvironmentRef, opened: datetime) -> str:
    """Return the id of the trace of an incident that opened at this moment of wall time.

    Incidents are numbered per store: the moment keeps two stores apart.
    """
    return digest("trace", [incident, str(environment), opened.isoformat()])[:32]


def trace_of(incident: Incident, events: Sequence[Event], calls: Sequence[ModelCall]) -> Trace:
    """Draw the trace from an incident's events, at least one, and its model calls."""
    told = _until_report(events)
    first = next((event for event in told if event.type is EventType.INCIDENT_OPENED), told[0])
    made = _Drawing(trace_id(incident.id, incident.environment, first))
    until = max(event.written_at for event in told)
    in_time = [call for call in calls if call.started_at <= until or not incident.ended]
    made.root(incident, told, in_time)
    made.phases(told, simulated=incident.environment.simulated)
    made.work(told)
    made.calls(in_time)
    spans = made.ordered()
    return Trace(id=made.trace, incident=incident.id, environment=incident.environment, spans=spans)


class _Drawing:
    """The spans so far; each method adds one kind below those that are there."""

    def __init__(self, trace: str) -> None:
        self.trace = trace
        self._spans: dict[str, TraceSpan] = {}
        self._root = ""
        self._phase_of: dict[str, str] = {}  # event key -> span id

    def ordered(self) -> tuple[TraceSpan, ...]:
        """Return parents before children, siblings by time."""
        below: dict[str, list[TraceSpan]] = {}
        for one in self._spans.values():
            below.setdefault(one.parent, []).append(one)

        def walk(parent: str) -> list[TraceSpan]:
            found = sorted(below.get(parent, []), key=lambda s: (s.start, s.end, s.id))
            return [span for one in found for span in (one, *walk(one.id))]

        return tuple(walk(""))

    def root(self, incident: Incident, events: Sequence[Event], calls: Sequence[ModelCall]) -> None:
        """Add the whole incident."""
        start, end = events[0].written_at, max(event.written_at for event in events)
        stands = incident.ending.value if incident.ending else incident.status.value
        self._root = self._add(
            "incident",
            kind=SpanKind.INCIDENT,
            name=incident.id,
            start=start,
            end=max(end, start),
            environment=_environment(events[0], events[-1], incident.environment.simulated),
            words=stands.replace("_", " "),
            usage=usage_of_calls(calls) if calls else usage_of(events),
            facts={"severity": incident.severity.value, "service": incident.service},
        )

    def phases(self, events: Sequence[Event], *, simulated: bool) -> None:
        """Add a span for each run of events of one phase; waiting counts for what it led to."""
        last, runs = events[0], list[list[Event]]()
        for event in events:
            if event.type in _ASIDE and event is not events[0]:
                continue
            if runs and runs[-1][-1].phase is event.phase:
                runs[-1].append(event)
            else:
                runs.append([event])
        for run in runs:
            made = self._add(
                f"phase:{run[0].key}",
                parent=self._root,
                kind=SpanKind.PHASE,
                name=run[0].phase.value,
                start=last.written_at,
                end=max(run[-1].written_at, last.written_at),
                environment=_environment(last, run[-1], simulated),
                words=run[-1].message,
            )
            self._phase_of.update((event.key, made) for event in run)
            last = run[-1]

    def work(self, events: Sequence[Event]) -> None:
        """Add each measured piece of work, policy's verdicts, and each wait for a person."""
        asked: Event | None = None
        for event in events:
            parent = self._phase_of.get(event.key, self._root)
            if event.effort is not None and event.effort.by.kind is not AuthorKind.PERSON:
                self._effort(event, event.effort, parent)
            match event.payload:
                case PolicyDecided(verdict=verdict):
                    self._policy(event, verdict, parent)
                case ApprovalPending():
                    asked = event
                case ApprovalDecided() | ApprovalEnded() if asked is not None:
                    self._wait(asked, event, parent)
                    asked = None
        if asked is not None:
            self._wait(asked, asked, self._phase_of.get(asked.key, self._root))

    def calls(self, calls: Sequence[ModelCall]) -> None:
        """Add each request to a model below the work that it was made for, and its tools."""
        for place, call in enumerate(calls):
            end = call.started_at + timedelta(seconds=call.took)
            parent = self._place_of(call)
            made = self._add(
                f"call:{call.agent}:{call.ordinal}:{call.started_at.isoformat()}",
                parent=parent,
                kind=SpanKind.MODEL,
                name=call.model.name,
                start=call.started_at,
                end=end,
                by=call.answered_by or str(call.model),
                words=f"{call.trouble}: {call.why}" if call.trouble else "",
                failed=call.trouble is not None,
                usage=call.usage,
                facts={
                    "agent": call.agent,
                    "provider": call.model.provider,
                    "model": call.model.name,
                    "answered_by": call.answered_by,
                    "place": call.place,
                    "trouble": call.trouble.value if call.trouble else "",
                },
            )
            later = (c.started_at for c in calls[place + 1 :] if c.agent == call.agent)
            until = max(next(later, end), end)
            for number, tool in enumerate(call.tools, start=1):
                self._add(
                    f"tool:{made}:{number}",
                    parent=parent,
                    kind=SpanKind.TOOL,
                    name=tool,
                    start=end,
                    end=until,
                    facts={"agent": call.agent},
                )

    def _effort(self, event: Event, effort: Effort, parent: str) -> None:
        kind = SpanKind.RUN if event.type in _RUNS else SpanKind.AGENT
        self._add(
            f"work:{event.key}",
            parent=parent,
            kind=kind,
            name="execute" if kind is SpanKind.RUN else worker_of(event),
            start=event.written_at - timedelta(seconds=effort.took),
            end=event.written_at,
            by=" and ".join(str(who) for who in (effort.by, effort.beside) if who),
            words=event.message,
            usage=effort.usage,
        )

    def _policy(self, event: Event, verdict: Verdict, parent: str) -> None:
        self._add(
            f"policy:{event.key}",
            parent=parent,
            kind=SpanKind.POLICY,
            name="policy",
            start=event.written_at,
            end=event.written_at,
            words=f"{verdict.ruling} by rule {verdict.rule}",
            facts={"rule": verdict.rule, "decision": verdict.ruling.value},
        )

    def _wait(self, asked: Event, ended: Event, parent: str) -> None:
        words, facts = "still waits", dict[str, str | int | float]()
        match ended.payload:
            case ApprovalDecided(decision=decision):
                word = "approved" if decision.approve else "rejected"
                words = f"{word} ({decision.surface})"
                facts = {"decision": word, "surface": decision.surface.value}
            case ApprovalEnded(state=state):
                words, facts = state.value, {"decision": state.value}
        self._add(
            f"wait:{asked.key}",
            parent=parent,
            kind=SpanKind.WAIT,
            name="wait for a person",
            start=asked.written_at,
            end=max(ended.written_at, asked.written_at),
            words=words,
            facts=facts,
        )

    def _place_of(self, call: ModelCall) -> str:
        """Return the agent's work that a call was made for; the work grows to hold it."""
        agents = [s for s in self._spans.values() if s.kind is SpanKind.AGENT]
        works = [s for s in agents if s.name == call.agent and s.end >= call.started_at]
        if works:
            found = min(works, key=lambda s: s.end)
            start = min(found.start, call.started_at)
            self._spans[found.id] = found.model_copy(update={"start": start})
            return found.id
        phases = [s for s in self._spans.values() if s.kind is SpanKind.PHASE]
        around = [s for s in phases if s.start <= call.started_at <= s.end]
        return around[-1].id if around else self._root

    def _add(self, key: str, **given: object) -> str:
        made = digest("span", [self.trace, key])[:16]
        self._spans[made] = TraceSpan.of({"id": made, **given})
        return made


def _until_report(events: Sequence[Event]) -> Sequence[Event]:
    """Leave out what came after the report: questions and messages are no part of the story."""
    for place, event in enumerate(events):
        if event.type is EventType.REPORT_WRITTEN:
            return events[: place + 1]
    return events


def _environment(first: Event, last: Event, simulated: bool) -> float | None:
    return max((last.at - first.at).total_seconds(), 0.0) if simulated else None
