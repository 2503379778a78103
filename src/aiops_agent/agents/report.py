"""What is to be remembered of an incident? A draft for people, and the same for machines."""

# limit: the twelve chapters are one thought, and read in the order in which they are written.

import json
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from operator import itemgetter

from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.report_appendix import Material, appendix
from aiops_agent.agents.report_page import Chapter, Code, Line, Piece, Table, references
from aiops_agent.agents.report_story import Narrative
from aiops_agent.domain.answer import AuthorKind, Effort, Usage
from aiops_agent.domain.diagnosis import Stance
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Attempt, Ending, Status
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.quantity import amount, money, roughly, signal_name, span, stopwatch, target
from aiops_agent.domain.remediation import Recovery
from aiops_agent.domain.text import markdown, safe
from aiops_agent.domain.timing import (
    by_agent,
    decided_by_people,
    models_of,
    usage_of,
    waited_for_people,
)
from aiops_agent.domain.value import Document
from aiops_agent.reasoning.prevent import prevention

API_VERSION = "aiops-agent/v1"
_LATE = timedelta(minutes=5)  # an alert that comes later than this after the start is too late
_QUIET = (EventType.INCIDENT_MOVED, EventType.VERIFICATION_SAMPLE)  # no milestones
_ENDS = {
    Status.RESOLVED: "Resolved",
    Status.DISMISSED: "Dismissed",
    Status.ESCALATED: "Escalated to a person",
}


async def report(
    briefing: Briefing, events: tuple[Event, ...], story: Narrative | None = None
) -> Postmortem:
    """Write the report of the briefing's incident; equal input gives equal bytes.

    A model's story stands below the summary, marked as one. Every text from outside is escaped;
    people are named in the audit table only.
    """
    incident, material = briefing.incident, Material(briefing.incident, events, briefing.alerts)
    chapters = [write(material) for write in _CHAPTERS]
    if story is not None and (story.sentences or story.struck):
        chapters[0] = replace(chapters[0], parts=(*chapters[0].parts, _story(story)))
    front = _front(material)
    # JSON values are YAML values, and nothing in them can end the front matter.
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in front.items()]
    blocks = [
        "\n".join(["---", *lines, "---"]),
        f"# {markdown(front['id'])}: {markdown(front['title'])}",
        *(chapter.markdown() for chapter in chapters),
    ]
    return Postmortem(
        incident=incident.id,
        title=safe(incident.title),
        severity=incident.severity,
        status=incident.status,
        markdown="\n\n".join(blocks) + "\n",
        data={"apiVersion": API_VERSION, **front, **{c.key: c.document() for c in chapters}},
    )


def _front(m: Material) -> Document:
    incident = m.incident
    services = {*incident.affected} | ({m.best.service} if m.best else set())
    for attempt in incident.attempts:
        planned = attempt.plan.actions if attempt.plan else ()
        services |= {action.target.service for action in planned}
    spent = usage_of(m.events)
    began, opened, ended = incident.started_at, incident.opened_at, incident.resolved_at
    return {
        "id": incident.id,
        "title": safe(incident.title),
        "severity": incident.severity.value,
        "services": sorted(safe(name) for name in services),
        "environment": str(incident.environment),
        "outcome": incident.status.value,
        "ending": incident.ending.value if incident.ending else None,
        "started": began.isoformat(timespec="seconds"),
        "detected": opened.isoformat(timespec="seconds"),
        "mitigated": m.mitigated.isoformat(timespec="seconds") if m.mitigated else None,
        "resolved": ended.isoformat(timespec="seconds") if ended else None,
        "ttd": span(opened - began),
        "ttm": span(m.mitigated - began) if m.mitigated else None,
        "ttr": span(ended - began) if ended else None,
        "cost_usd": spent.cost,
        "model": ", ".join(models_of(m.events)) or None,
        "partial": bool(incident.cut_short),
        "status": "draft",
    }


def _summary(m: Material) -> Chapter:
    incident = m.incident
    what = f"On {incident.started_at:%Y-%m-%d at %H:%M:%S} UTC trouble began: {incident.title}."
    why = "No cause was found."
    if m.best and m.diagnosis:
        statement = m.best.statement.rstrip(".")
        why = f"The likeliest cause is: {statement} ({m.diagnosis.confidence} confidence)."
    other = [a.reasoned.needs_person for a in incident.attempts if a.reasoned]
    doubts = [f"They disagreed: {why}." for why in other if why][-1:]
    end = _ENDS.get(incident.status, "Ongoing")
    end = "Ended" if incident.ending is Ending.MERGED else end
    note = incident.note.rstrip(".")
    ended = f"{end}: {note}." if note else f"{end}."
    told = (what, why, *doubts, ended, *_unmended(m), *_partial(incident.cut_short))
    return Chapter("summary", "1. Summary", sentences=told)


def _unmended(m: Material) -> tuple[str, ...]:
    """Say what the end of the incident did not end."""
    attempt = m.incident.attempt
    if m.incident.status is Status.ESCALATED and m.ongoing:
        return ("The impact was ongoing at the hand-over.",)
    if m.incident.status is Status.RESOLVED and attempt and attempt.plan and attempt.plan.stop_gap:
        return ("What was done is a stop-gap: the cause stays, and it may come back.",)
    return ()


def _partial(limit: str) -> tuple[str, ...]:
    return (f"This report is partial: {limit} were used up.",) if limit else ()


def _story(story: Narrative) -> Chapter:
    lead = f"Written by {story.by}; names and numbers are put in from the record."
    left_out = f"{story.struck} of its sentences were struck."
    points = (left_out,) if story.struck else ()
    told: tuple[Line, ...] = (lead, *story.sentences)
    return Chapter("story", "In a model's words", sentences=told, points=points)


def _impact(m: Material) -> Chapter:
    incident = m.incident
    points: list[Line] = []
    if incident.triage:
        points.append(f"{incident.severity}: {incident.triage.impact}")
        points.append(f"Seen as: {incident.triage.reason}")
    if incident.ended_at:
        length = span(incident.ended_at - incident.started_at)
        points.append(f"From the beginning of the trouble to the end of the incident: {length}.")
    if incident.triage or incident.attempts:
        points.append(f"Affected: {', '.join(incident.affected)}.")
    return Chapter("impact", "2. Impact", points=tuple(points))


def _timeline(m: Material) -> Chapter:
    rows: list[tuple[str, str, str, tuple[Piece, ...]]] = []
    diagnosed = 0
    for event in m.events:
        # Evidence is told before its diagnosis: it belongs to the attempt that then begins.
        gathering = event.type in (EventType.EVIDENCE_ADDED, EventType.DIAGNOSIS_READY)
        number = diagnosed + 1 if gathering else max(diagnosed, 1)
        diagnosed += event.type is EventType.DIAGNOSIS_READY
        if event.type not in _QUIET:
            known = {finding.id for place, finding in m.findings if place == number}
            refs = references(number, tuple(ref for ref in event.refs if ref in known))
            what = (event.message, *refs)
            rows.append((f"{event.at:%H:%M:%S}", event.phase.value, event.agent, what))
    told: list[tuple[Line, ...]] = []
    for (phase, agent, what), same in groupby(rows, key=itemgetter(1, 2, 3)):
        first, *again = [row[0] for row in same]
        more = (f" ({len(again) + 1} times, the last at {again[-1]})",) if again else ()
        told.append((first, phase, agent, (*what, *more)))
    heads = ("time (UTC)", "phase", "agent", "what")
    return Chapter("timeline", "3. Timeline", table=Table("events", heads, tuple(told)))


def _trigger(m: Material) -> Chapter:
    change = (f"Suspected change: {m.best.change}",) if m.best and m.best.change else ()
    facts = m.diagnosis.sequence if m.diagnosis else ()
    return Chapter("trigger", "4. What triggered it", points=(*change, *facts))


def _factors(m: Material) -> Chapter:
    points: list[Line] = []
    refuted = {attempt.refuted for attempt in m.incident.attempts}
    number = next((a.number for a in reversed(m.incident.attempts) if a.diagnosis), 1)
    for one in m.diagnosis.hypotheses if m.diagnosis else ():
        against = any(e.stance is Stance.AGAINST for e in one.evidence)
        denied = one.key in refuted or against or one.contradicted
        if one is m.best or (one.held and not denied):
            speaking = tuple(e.finding for e in one.evidence if e.stance is Stance.FOR)
            said = f"{one.statement.rstrip('.')}; {one.held} of {one.checks} checks held"
            points.append((said, *references(number, speaking)))
    lead = ("Proposed by the agent from evidence; people edit this list.",) if points else ()
    title = "5. Contributing factors"
    return Chapter("factors", title, sentences=lead, points=tuple(points))


def _ruled_out(m: Material) -> Chapter:
    points: list[Line] = []
    for attempt in m.incident.attempts:
        for one in attempt.diagnosis.hypotheses if attempt.diagnosis else ():
            against = tuple(e for e in one.evidence if e.stance is Stance.AGAINST)
            if one is not m.best and against:
                why = "; ".join(e.why for e in against)
                refs = references(attempt.number, tuple(e.finding for e in against))
                points.append((f"{one.statement.rstrip('.')}: {why}", *refs))
        if attempt.refuted:
            points.append(f"Attempt {attempt.number} did not help, so not: {attempt.refuted}")
    unique = tuple(dict.fromkeys(points))
    return Chapter("ruled_out", "6. What we ruled out and how", points=unique)


def _not_known(m: Material) -> Chapter:
    gaps = m.diagnosis.not_known if m.diagnosis else ()
    unread = (f"{source} could not be read" for source in m.missing)
    points = tuple(dict.fromkeys((*gaps, *unread)))
    sure = m.diagnosis
    why = sure.certainty.rows if sure else ()
    told = tuple(f"{name.capitalize()}: {reason}." for name, of in why for reason in of)
    title = f"Why the confidence is {sure.confidence}" if sure else ""
    parts = (Chapter("confidence", title, points=told),) if told else ()
    return Chapter("not_known", "7. What we still do not know", points=points, parts=parts)


def _resolution(m: Material) -> Chapter:
    parts = tuple(_attempt(attempt) for attempt in m.incident.attempts)
    planned = [part for part in parts if part is not None]
    if m.incident.status is Status.ESCALATED:
        planned.append(_handover(m))
    return Chapter("resolution", "8. Resolution and verification", parts=tuple(planned))


def _handover(m: Material) -> Chapter:
    """Tell whoever takes it what still hurts, whose it is, and where to look next."""
    seen = m.last_seen.reason if m.last_seen else ""
    still = seen or (m.incident.triage.reason if m.incident.triage else "nothing could be read")
    lead = "Impact ongoing at hand-over" if m.ongoing else "Last seen"
    owners = ", ".join(m.owners) or "nobody is named by its alerts"
    points: list[Line] = [f"{lead}: {still}.", f"Owner: {owners}."]
    points += [f"Next: find out {gap}." for gap in (m.diagnosis.not_known if m.diagnosis else ())]
    points += [("Next: look at ", Code(one.query)) for _, one in m.findings[:3] if one.query]
    return Chapter("handover", "Hand-over", points=tuple(points))


def _attempt(attempt: Attempt) -> Chapter | None:
    plan, seen, after = attempt.plan, attempt.verification, attempt.undo_verification
    if plan is None:
        return None
    points: list[Line] = [("Planned: ", Code(action.text)) for action in plan.actions]
    points = points or [f"Planned: {plan.kind}, change nothing"]
    steps = attempt.prepared.steps if attempt.prepared else ()
    points += [f"To {step.do}: risk {step.risk}, {step.hazard}." for step in steps]
    points.append(f"Because: {plan.reason}")
    points.append(f"Run: {attempt.outcome.state}." if attempt.outcome else "Not run.")
    if plan.stop_gap:
        points.append("A stop-gap: it eases the symptom, the cause stays.")
    if seen:
        points.append(f"Telemetry: {_words(seen.recovery)}, {seen.reason}")
    if attempt.undo:
        points.append(f"Taken back: {attempt.undo.state}.")
    if after:
        points.append(f"Telemetry after that: {_words(after.recovery)}, {after.reason}")
    rows: list[tuple[Line, ...]] = []
    for check in seen.checks if seen else ():
        wanted = check.criterion
        name = f"{wanted.service} {signal_name(wanted.signal)}"
        values = (amount(wanted.signal, value) for value in (wanted.at_alert, check.now))
        rows.append((name, *values, target(wanted), _words(check.recovery)))
    heads = ("check", "at alert", "at the end", "target", "verdict")
    table = Table("checks", heads, tuple(rows)) if seen else None
    key = f"attempt_{attempt.number}"
    return Chapter(key, f"Attempt {attempt.number}", points=tuple(points), table=table)


def _words(recovery: Recovery) -> str:
    return recovery.replace("_", " ")


def _detection(m: Material) -> Chapter:
    names = ", ".join(m.incident.alert_names) or "an alert without a name"
    points = [f"Alerted by: {names}.", f"{span(m.late)} after the trouble began."]
    facts = m.diagnosis.sequence if m.diagnosis else ()
    change = m.best.change if m.best else ""
    first = next((fact for fact in facts if not (change and change in fact)), "")
    if first and m.late > timedelta():
        points.append(f"An alert on the first sign would have fired earlier: {first}")
    return Chapter("detection", "9. Detection", points=tuple(points))


def _lessons(m: Material) -> Chapter:
    well, wrong, incident = [], [], m.incident
    if m.best and m.best.checks:
        well.append(f"{m.best.held} of {m.best.checks} predictions of the cause were observed.")
    if incident.acted and incident.recovery is Recovery.RECOVERED:
        well.append("The fix was verified from telemetry, not from the platform's answer.")
    if (took := decided_by_people(m.events)) is not None:
        well.append(f"A person decided within {roughly(took)}.")
    for attempt in incident.attempts:
        seen = attempt.verification
        if seen and seen.recovery in (Recovery.NOT_RECOVERED, Recovery.WORSE):
            wrong.append(f"Attempt {attempt.number} did not help: {seen.reason}")
    if m.late > _LATE:
        wrong.append(f"The alert came {roughly(m.late)} after the beginning.")
    wrong += [f"{source} could not be read." for source in m.missing]
    if refused := sum(event.type is EventType.APPROVAL_REFUSED for event in m.events):
        wrong.append(f"Invalid answers ignored: {refused}.")
    lucky = ["It recovered with no action of ours."] if incident.ending is Ending.HEALED else []
    told = (("well", "Well", well), ("wrong", "Wrong", wrong), ("lucky", "Lucky", lucky))
    parts = tuple(Chapter(key, title, points=tuple(points)) for key, title, points in told)
    title = "10. What went well, what went wrong, where we got lucky"
    return Chapter("lessons", title, parts=parts)


def _actions(m: Material) -> Chapter:
    todo = prevention(m.best.kind, m.best.service) if m.best else []
    gaps = m.diagnosis.not_known if m.diagnosis else ()
    todo += [(f"Find out: {gap}", "detect") for gap in gaps]
    rows = tuple((text, "nobody yet", kind, "-") for text, kind in todo)
    heads = ("what", "owner", "type", "tracker")
    return Chapter("actions", "11. Action items", table=Table("items", heads, rows))


def _agent(m: Material) -> Chapter:
    attempts = m.incident.attempts
    refused = [decision for decision in m.decisions if not decision.approve]
    wrong = sum(bool(attempt.refuted) for attempt in attempts)
    points = [f"Attempts: {len(attempts)}; wrong turns: {wrong}; rejected plans: {len(refused)}."]
    points += [f"Rejected because: {d.reason}" for d in refused if d.reason]
    work = sum((part.work for part in by_agent(m.events)), timedelta())
    points.append(f"Own work: {stopwatch(work.total_seconds())}.")
    if asked := waited_for_people(m.events):
        points.append(f"Waiting for an answer: {roughly(asked)}.")
    points += [f"{agent}: {note}" for agent, effort in m.efforts for note in effort.notes]
    for reasoned in (a.reasoned for a in attempts if a.reasoned):
        points.append(f"Second opinion ({reasoned.stand.replace('_', ' ')}): {reasoned.words}.")
        points += [f"Unsupported: {one.words}: {one.wrong}." for one in reasoned.struck]
    points += [f"Dissent: a model {a.pick.words}." for a in attempts if a.pick and a.pick.dissent]
    points += [f"{words}." for a in attempts if a.verdict for words in a.verdict.beside]
    models = ", ".join(models_of(m.events)) or "none"
    points.append(f"Language model: {models}; {_spent(usage_of(m.events))}.")
    shares: dict[tuple[str, str], Effort] = {}
    for who, effort in m.efforts:
        by = "a person" if effort.by.kind is AuthorKind.PERSON else str(effort.by)
        known = shares.get((who, by), Effort(by=effort.by))
        took, usage = known.took + effort.took, known.usage + effort.usage
        shares[who, by] = Effort(by=effort.by, usage=usage, took=took)
    rows = tuple((*who, stopwatch(one.took), _spent(one.usage)) for who, one in shares.items())
    table = Table("efforts", ("agent", "answered by", "own work", "language model"), rows)
    return Chapter("agent", "12. How the agent did", points=tuple(points), table=table)


def _spent(usage: Usage) -> str:
    return f"{usage.requests} calls, {usage.tokens} tokens, {money(usage.cost)}"


_CHAPTERS = (
    _summary,
    _impact,
    _timeline,
    _trigger,
    _factors,
    _ruled_out,
    _not_known,
    _resolution,
    _detection,
    _lessons,
    _actions,
    _agent,
    appendix,
)
