"""One incident, one approval, one report: everything on a page."""

import re
from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.text import Text

from aiops_agent.domain.alert import NO_ALERTS, SHORT_KEY, AlertList, AlertState, IncidentAlert
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Attempt, Incident, Status
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.quantity import roughly
from aiops_agent.domain.telemetry import NAMELESS
from aiops_agent.interfaces.terminal.closing import escalation
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.evidence import evidence, root_cause, verification
from aiops_agent.interfaces.terminal.layout import facts_grid
from aiops_agent.interfaces.terminal.palette import BAD, QUIET, STATUS_MARK, STRONG, words
from aiops_agent.interfaces.terminal.plan import plan, proposal
from aiops_agent.interfaces.terminal.reasoned import second_opinion
from aiops_agent.interfaces.terminal.timeline import folded, line

# Text from outside has its brackets escaped, so only links that we built match.
_OWN_LINK = re.compile(r"\[((?:[^\[\]\\]|\\.)*)\]\(#[\w.-]+\)")
_MOST = 5  # shown in full: more would push the evidence off the screen


def incident(
    shown: Incident, events: Sequence[Event], width: int, alerted: AlertList = NO_ALERTS
) -> RenderableType:
    """Return the incident's facts, its alerts, its last round of work and its timeline."""
    parts: list[RenderableType] = [_facts(shown)]
    if alerted.total:
        parts += [Text(""), alerts(alerted)]
    if shown.attempt:
        parts += _attempt(shown.attempt, width)
    if shown.status is Status.ESCALATED:
        parts.append(escalation(shown))
    if events:
        parts += [Text(""), say("Timeline", STRONG)]
        parts += [line(event, width=width, again=again) for event, again in folded(events)]
    return Group(*parts)


def approval(request: ApprovalRequest, now: datetime) -> RenderableType:
    """Return the plan that waits, and who answered what; `now` is wall time."""
    pending = request.state is ApprovalState.PENDING
    shown = plan(request.prepared, request.verdict, waiting=pending, until=request.expires_at)
    return Group(shown, _answer(request, now))


def report(postmortem: Postmortem) -> Markdown:
    """Return the report as a terminal shows Markdown; no link is made clickable."""
    body = postmortem.markdown.split("\n---\n", 1)[-1]
    return Markdown(_OWN_LINK.sub(r"\1", body), hyperlinks=False)


def _facts(shown: Incident) -> RenderableType:
    sign, ink = STATUS_MARK.get(shown.status, ("·", QUIET))
    state = Text.assemble(say(f"{sign} {words(shown.status.value)}", ink), " ")
    facts = facts_grid()
    theirs = shown.triage.not_mine if shown.triage and shown.ended else None
    facts.add_row("status", joined([state, tell(theirs.short if theirs else shown.note)], "  "))
    facts.add_row("severity", say(shown.severity.value))
    named = () if shown.service == NAMELESS else (say(shown.service),)
    facts.add_row("service", joined([*named, say(str(shown.environment), QUIET)]))
    if len(shown.affected) > 1:
        facts.add_row("affected", joined([tell(name) for name in shown.affected], ", "))
    facts.add_row("alerts", joined([tell(name) for name in shown.alert_names], ", "))
    facts.add_row("summary", tell(shown.summary))
    if shown.triage:
        facts.add_row("impact", tell(shown.triage.impact))
    for name, other in (("split from", shown.split_from), ("merged into", shown.merged_into)):
        if other:
            facts.add_row(name, say(other))
    for note in shown.notes:
        facts.add_row("note", joined([tell(note.text), tell(note.by, QUIET)]))
    facts.add_row("began", say(f"{shown.started_at:%Y-%m-%d %H:%M:%S} UTC"))
    for step in (step for attempt in shown.attempts for step in attempt.left):
        facts.add_row("still so", joined([tell(step.do), tell(f"way back: {step.undo}", QUIET)]))
    if shown.ended_at:
        facts.add_row("ended", _ended(shown.ended_at, condensed=shown.condensed))
    return Group(Text.assemble(say(shown.id, STRONG), "  ", tell(shown.title, STRONG)), facts)


def _ended(at: datetime, *, condensed: bool) -> RenderableType:
    left = "single looks left the store since then; its report holds them" if condensed else ""
    return joined([say(f"{at:%Y-%m-%d %H:%M:%S} UTC"), tell(left, QUIET)])


def _attempt(attempt: Attempt, width: int) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if found := attempt.diagnosis:
        parts += [Text(""), evidence(found, width), root_cause(found)]
        said = attempt.reasoned
        parts += [second_opinion(said, found.confidence)] if said else []
    if attempt.plan and not attempt.plan.actions:
        parts.append(proposal(attempt.plan))
    elif attempt.plan:
        done = joined([tell(action.text, STRONG) for action in attempt.plan.actions], ", ")
        parts.append(Text.assemble((f"plan {attempt.number}     ", QUIET), done))
    if attempt.outcome:
        for effect in attempt.outcome.effects:
            note = joined([say(effect.state.value), tell(effect.note)])
            parts.append(Text.assemble(("ran        ", QUIET), tell(effect.words), "  ", note))
    if attempt.verification:
        parts.append(verification(attempt.verification, width))
    if attempt.undo_verification:
        parts += [say("after taking it back:", QUIET)]
        parts.append(verification(attempt.undo_verification, width))
    return parts


def _answer(request: ApprovalRequest, now: datetime) -> RenderableType:
    decision = request.decision
    if decision is not None:
        word = "approved" if decision.approve else "rejected"
        text = f"{word} by {decision.by} ({decision.surface}) at {decision.at:%H:%M:%S} UTC"
        return joined([tell(text), tell(decision.reason)])
    if request.state is ApprovalState.PENDING:
        left = request.expires_at - now
        return tell(f"waits for an answer, {roughly(left)} left; no answer means no", QUIET)
    return joined([say(words(request.state.value)), tell(request.note)])


def alerts(found: AlertList) -> RenderableType:
    """Return the first alerts with labels, annotations and links, and how many there are more."""
    shown = [_alert(alert) for alert in found.shown[:_MOST]]
    left = found.total - len(shown)
    more = [say(f"and {left} more alerts; --output json shows them", QUIET)] if left > 0 else []
    return Group(say("Alerts", STRONG), *shown, *more)


def _alert(alert: IncidentAlert) -> RenderableType:
    ink = BAD if alert.state is AlertState.FIRING else QUIET
    since, last = (f"{at:%Y-%m-%d %H:%M:%S}" for at in (alert.since, alert.last_seen))
    facts = facts_grid()
    seen = say(f"since {since} UTC, last seen {last} UTC")
    key = say(alert.key[:SHORT_KEY], QUIET)
    facts.add_row(say(alert.state.value, ink), joined([tell(alert.name, STRONG), key, seen], "  "))
    for name, texts in alert.brought:
        head = "sent by" if name == "alertmanager" else name
        facts.add_row(head, joined([tell(text) for text in texts], ", "))
    return facts
