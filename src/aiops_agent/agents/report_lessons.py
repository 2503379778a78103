"""The last five chapters: how it was ended, found out, and what to do better."""

from datetime import timedelta

from aiops_agent.agents.report_material import Material
from aiops_agent.agents.report_page import Chapter, Code, Line, Table
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.event import EventType
from aiops_agent.domain.incident import Attempt, Ending
from aiops_agent.domain.quantity import amount, roughly, signal_name, span, target
from aiops_agent.domain.remediation import Recovery, Verification
from aiops_agent.domain.timing import by_agent, waited_for_people

_LATE = timedelta(minutes=5)
_PROPOSALS: dict[CauseKind, tuple[tuple[str, str], ...]] = {
    CauseKind.CAPACITY: (
        ("prevent", "Size {0} for its peak traffic, or let it scale by itself"),
        ("detect", "Alert on the saturation of {0} before its latency suffers"),
    ),
    CauseKind.HANG: (
        ("prevent", "Find why {0} stopped answering (thread dump, core, dependencies)"),
        ("mitigate", "Give {0} a liveness check that notices a process that does not answer"),
    ),
    CauseKind.RELEASE: (
        ("prevent", "Reproduce the defect of the release of {0} in a test"),
        ("detect", "Compare a new release of {0} with the old one before it takes all traffic"),
    ),
    CauseKind.CONFIG: (
        ("prevent", "Check the changed setting of {0} against its load before it is released"),
        ("detect", "Alert on waiting for connections in {0}"),
    ),
    CauseKind.LEAK: (
        ("prevent", "Find the leak in {0}; a restart only buys time"),
        ("detect", "Alert on the trend of memory in {0}, hours before the limit"),
    ),
    CauseKind.DEPENDENCY: (
        ("mitigate", "Let callers degrade when {0} does not answer (time-out, fallback)"),
        ("detect", "Watch {0} from outside, and keep its support contact at hand"),
    ),
    CauseKind.COLD_CACHE: (
        ("prevent", "Find out who emptied {0}, and warm it before it takes traffic"),
        ("mitigate", "Protect the database behind {0} from a cold cache (request coalescing)"),
    ),
}


def resolution(m: Material) -> Chapter:
    """Write per attempt what was done and what telemetry said after it."""
    parts = tuple(_attempt(attempt) for attempt in m.incident.attempts if attempt.plan)
    return Chapter("resolution", "8. Resolution and verification", parts=parts)


def detection(m: Material) -> Chapter:
    """Write what alerted, how late it was, and what would have been earlier."""
    incident = m.incident
    names = ", ".join(incident.alert_names) or "an alert without a name"
    late = incident.opened_at - incident.started_at
    points: list[Line] = [(f"Alerted by: {names}.",)]
    points.append((f"{span(late)} after the trouble began.",))
    facts = m.diagnosis.sequence if m.diagnosis else ()
    change = m.best.change if m.best else ""
    first = next((fact for fact in facts if not (change and change in fact)), "")
    if first and late > timedelta():
        points.append((f"Earlier would have been an alert on the first sign: {first}",))
    return Chapter("detection", "9. Detection", points=tuple(points))


def lessons(m: Material) -> Chapter:
    """Write what went well, what went wrong, and where luck helped."""
    well, wrong, luck = _well(m), _wrong(m), _luck(m)
    parts = tuple(
        Chapter(key, title, points=tuple((text,) for text in texts))
        for key, title, texts in (
            ("well", "Well", well),
            ("wrong", "Wrong", wrong),
            ("lucky", "Lucky", luck),
        )
    )
    return Chapter(
        "lessons", "10. What went well, what went wrong, where we got lucky", parts=parts
    )


def actions(m: Material) -> Chapter:
    """Propose what to do; people name owners and trackers."""
    rows: list[tuple[Line, ...]] = []
    if m.best:
        for kind, text in _PROPOSALS.get(m.best.kind, ()):
            rows.append(((text.format(m.best.service),), ("nobody yet",), (kind,), ("-",)))
    gaps = m.diagnosis.not_known if m.diagnosis else ()
    rows += [((f"Find out: {gap}",), ("nobody yet",), ("detect",), ("-",)) for gap in gaps]
    heads = ("what", "owner", "type", "tracker")
    return Chapter("actions", "11. Action items", table=Table("items", heads, tuple(rows)))


def agent(m: Material) -> Chapter:
    """Write the agent's own record: wrong turns, refused plans, time and cost."""
    attempts = m.incident.attempts
    refused = [d for d in m.decisions if not d.get("approve")]
    wrong = [a for a in attempts if a.refuted]
    points: list[Line] = [
        (f"Attempts: {len(attempts)}; wrong turns: {len(wrong)}; rejected plans: {len(refused)}.",)
    ]
    points += [(f"Rejected because: {d['reason']}",) for d in refused if d.get("reason")]
    work = sum((part.work for part in by_agent(m.events)), timedelta())
    points.append((f"Own work: {work.total_seconds():.1f} s.",))
    asked = waited_for_people(m.events)
    if asked:
        points.append((f"Waiting for a person: {roughly(asked)}.",))
    points.append(("Language model: none; 0 calls, 0 tokens, $0.00.",))
    return Chapter("agent", "12. How the agent did", points=tuple(points))


def _attempt(attempt: Attempt) -> Chapter:
    plan = attempt.plan
    assert plan is not None
    points: list[Line] = [("Planned: ", Code(action.text)) for action in plan.actions]
    if not plan.actions:
        points.append((f"Planned: {plan.kind}, change nothing",))
    points.append((f"Because: {plan.reason}",))
    if attempt.outcome is None:
        points.append(("Not run.",))
    else:
        points.append((f"Run: {attempt.outcome.state}.",))
    if plan.stop_gap:
        points.append(("A stop-gap: it eases the symptom, the cause stays.",))
    if attempt.verification:
        points.append(_said(attempt.verification, "Telemetry"))
    if attempt.undo:
        points.append((f"Taken back: {attempt.undo.state}.",))
    if attempt.undo_verification:
        points.append(_said(attempt.undo_verification, "Telemetry after that"))
    title = f"Attempt {attempt.number}"
    table = _checks(attempt.verification) if attempt.verification else None
    return Chapter(f"attempt_{attempt.number}", title, points=tuple(points), table=table)


def _said(seen: Verification, who: str) -> Line:
    return (f"{who}: {seen.recovery.replace('_', ' ')}, {seen.reason}",)


def _checks(seen: Verification) -> Table:
    rows = []
    for check in seen.checks:
        wanted = check.criterion
        name = f"{wanted.service} {signal_name(wanted.signal)}"
        values = [amount(wanted.signal, v) for v in (wanted.at_alert, check.now)]
        cells = (name, *values, target(wanted), check.recovery.replace("_", " "))
        rows.append(tuple((cell,) for cell in cells))
    return Table("checks", ("check", "at alert", "at the end", "target", "verdict"), tuple(rows))


def _well(m: Material) -> list[str]:
    told = []
    if m.best and m.best.checks:
        told.append(f"{m.best.held} of {m.best.checks} predictions of the cause were observed.")
    if m.incident.acted and m.incident.recovery is Recovery.RECOVERED:
        told.append("The fix was verified from telemetry, not from the platform's answer.")
    asked = waited_for_people(m.events)
    if asked:
        told.append(f"A person decided within {roughly(asked)}.")
    return told


def _wrong(m: Material) -> list[str]:
    told = [
        f"Attempt {a.number} did not help: {a.verification.reason}"
        for a in m.incident.attempts
        if a.verification and a.verification.recovery in (Recovery.NOT_RECOVERED, Recovery.WORSE)
    ]
    late = m.incident.opened_at - m.incident.started_at
    if late > _LATE:
        told.append(f"The alert came {roughly(late)} after the beginning.")
    missing = m.incident.triage.missing if m.incident.triage else ()
    told += [f"{source} could not be read." for source in missing]
    refused = sum(e.type is EventType.APPROVAL_REFUSED for e in m.events)
    if refused:
        told.append(f"{refused} answers did not count.")
    return told


def _luck(m: Material) -> list[str]:
    if m.incident.ending is Ending.HEALED:
        return ["It recovered with no action of ours."]
    return []
