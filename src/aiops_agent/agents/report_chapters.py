"""The first seven chapters: what happened, and what is believed of its cause."""

from aiops_agent.agents.report_material import Material, references
from aiops_agent.agents.report_page import Chapter, Line, Table
from aiops_agent.domain.diagnosis import Hypothesis, Stance
from aiops_agent.domain.event import Event, EventType
from aiops_agent.domain.incident import Status
from aiops_agent.domain.quantity import span

_QUIET = (EventType.INCIDENT_MOVED, EventType.VERIFICATION_SAMPLE)
_ENDS = {
    Status.RESOLVED: "It is resolved",
    Status.DISMISSED: "It was dismissed",
    Status.ESCALATED: "It was handed to a person",
}


def summary(m: Material) -> Chapter:
    """Write what happened, why, and how it ended: three sentences."""
    incident = m.incident
    what = f"On {incident.started_at:%Y-%m-%d at %H:%M:%S} UTC trouble began: {incident.title}."
    why = "No cause was found."
    if m.best and m.diagnosis:
        statement = m.best.statement.rstrip(".")
        why = f"The likeliest cause is: {statement} ({m.diagnosis.confidence} confidence)."
    end = _ENDS.get(incident.status, "It is not over")
    note = m.unnamed(incident.note).rstrip(".")
    sentences: tuple[Line, ...] = ((what,), (why,), (f"{end}: {note}." if note else f"{end}.",))
    return Chapter("summary", "1. Summary", sentences=sentences)


def impact(m: Material) -> Chapter:
    """Write who felt it, how badly and for how long."""
    incident = m.incident
    points: list[Line] = []
    if incident.triage:
        points.append((f"{incident.severity.upper()}: {incident.triage.impact}",))
        points.append((f"Seen as: {incident.triage.reason}",))
    if incident.ended_at:
        length = span(incident.ended_at - incident.started_at)
        points.append((f"From the beginning of the trouble to the end of the incident: {length}.",))
    hurt = sorted({f.service for _, f in m.findings() if f.changed})
    if hurt:
        points.append((f"Services with a changed signal: {', '.join(hurt)}.",))
    return Chapter("impact", "2. Impact", points=tuple(points))


def timeline(m: Material) -> Chapter:
    """Write every milestone, made by machine from the stored events."""
    rows = tuple(_moment(m, e, number) for e, number in _numbered(m.events) if e.type not in _QUIET)
    heads = ("time (UTC)", "phase", "agent", "what")
    return Chapter("timeline", "3. Timeline", table=Table("events", heads, rows))


def trigger(m: Material) -> Chapter:
    """Write what began it, as far as telemetry shows."""
    points: list[Line] = []
    if m.best and m.best.change:
        points.append((f"Suspected change: {m.best.change}",))
    if m.diagnosis:
        points += [(fact,) for fact in m.diagnosis.sequence]
    return Chapter("trigger", "4. What triggered it", points=tuple(points))


def factors(m: Material) -> Chapter:
    """Write the causes that the evidence speaks for; people edit these."""
    found = m.diagnosis.hypotheses if m.diagnosis else ()
    points = tuple(_believed(m, h) for h in found if h is m.best or _open(m, h))
    lead: tuple[Line, ...] = (("Proposed by the agent from evidence; people edit this list.",),)
    return Chapter(
        "factors", "5. Contributing factors", sentences=lead if points else (), points=points
    )


def ruled_out(m: Material) -> Chapter:
    """Write each rival cause with what speaks against it."""
    points: list[Line] = []
    for attempt in m.incident.attempts:
        found = attempt.diagnosis.hypotheses if attempt.diagnosis else ()
        for hypothesis in found:
            against = tuple(e for e in hypothesis.evidence if e.stance is Stance.AGAINST)
            if hypothesis is not m.best and against:
                why = "; ".join(e.why for e in against)
                refs = references(attempt.number, tuple(e.finding for e in against))
                points.append((f"{hypothesis.statement.rstrip('.')}: {why}", *refs))
        if attempt.refuted:
            points.append((f"Attempt {attempt.number} did not help, so not: {attempt.refuted}",))
    unique = tuple(dict.fromkeys(points))
    return Chapter("ruled_out", "6. What we ruled out and how", points=unique)


def not_known(m: Material) -> Chapter:
    """Write the gaps: what nobody could see."""
    gaps = list(m.diagnosis.not_known) if m.diagnosis else []
    gaps += [f"{source} could not be read" for source in _missing(m)]
    points: tuple[Line, ...] = tuple((gap,) for gap in dict.fromkeys(gaps))
    return Chapter("not_known", "7. What we still do not know", points=points)


def _missing(m: Material) -> tuple[str, ...]:
    return m.incident.triage.missing if m.incident.triage else ()


def _numbered(events: tuple[Event, ...]) -> list[tuple[Event, int]]:
    """Pair each event with the attempt that its findings belong to."""
    paired, diagnosed = [], 0
    for event in events:
        gathering = event.type in (EventType.EVIDENCE_ADDED, EventType.DIAGNOSIS_READY)
        paired.append((event, diagnosed + 1 if gathering else max(diagnosed, 1)))
        diagnosed += event.type is EventType.DIAGNOSIS_READY
    return paired


def _moment(m: Material, event: Event, number: int) -> tuple[Line, ...]:
    known = {finding.id for place, finding in m.findings() if place == number}
    refs = tuple(ref for ref in event.refs if ref in known)
    what: Line = (m.unnamed(event.message), *references(number, refs))
    return ((f"{event.at:%H:%M:%S}",), (event.phase.value,), (event.agent,), what)


def _believed(m: Material, hypothesis: Hypothesis) -> Line:
    counts = f"{hypothesis.held} of {hypothesis.checks} checks held"
    number = next((a.number for a in reversed(m.incident.attempts) if a.diagnosis), 1)
    speaking = tuple(e.finding for e in hypothesis.evidence if e.stance is Stance.FOR)
    return (f"{hypothesis.statement.rstrip('.')}; {counts}", *references(number, speaking))


def _open(m: Material, hypothesis: Hypothesis) -> bool:
    """Whether something speaks for it and nothing against it."""
    refuted = any(attempt.refuted == hypothesis.key for attempt in m.incident.attempts)
    against = any(e.stance is Stance.AGAINST for e in hypothesis.evidence)
    return bool(hypothesis.held) and not (refuted or against or hypothesis.contradicted)
