"""Lists of incidents and approvals: one line each."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.domain.approval import ApprovalState, ApprovalSummary
from aiops_agent.domain.incident import IncidentSummary, Status
from aiops_agent.domain.quantity import span
from aiops_agent.interfaces.terminal.escape import joined, say
from aiops_agent.interfaces.terminal.layout import table
from aiops_agent.interfaces.terminal.palette import LINK, QUIET, STATUS_MARK, STRONG, WARN, words
from aiops_agent.interfaces.terminal.screen import Tier, tier

_SERVICE_CAP = 20  # cells


def incidents(found: Sequence[IncidentSummary], width: int) -> RenderableType:
    """Return one line per incident, and who needs a person."""
    if not found:
        return say("No incidents.")
    heads = ["ID", "SEV", "STATE", "SERVICE", "OPENED", "TITLE"]
    rows = [_incident(incident) for incident in found]
    hidden = {Tier.NARROW: {"SERVICE", "OPENED"}, Tier.MEDIUM: {"OPENED"}, Tier.WIDE: set[str]()}
    shown = [place for place, head in enumerate(heads) if head not in hidden[tier(width)]]
    cells = [[row[i] for i in shown] for row in rows]
    listed = table([heads[i] for i in shown], cells, width, {"SERVICE": _SERVICE_CAP})
    waiting = [i.id for i in found if i.status is Status.AWAITING_APPROVAL]
    if not waiting:
        return listed
    need = "needs" if len(waiting) == 1 else "need"
    command = say(f"aiops approval show {waiting[0]}", LINK)
    return Group(listed, Text.assemble((f"{len(waiting)} {need} you: ", WARN), command))


def approvals(found: Sequence[ApprovalSummary], now: datetime, width: int) -> RenderableType:
    """Return one line per request; `now` is wall time and gives the time left."""
    if not found:
        return say("No approvals.")
    heads = ["ID", "STATE", "LEFT", "PLAN", "DO"]
    return table(heads, [_approval(request, now) for request in found], width)


def _incident(incident: IncidentSummary) -> list[Text]:
    sign, ink = STATUS_MARK.get(incident.status, ("·", QUIET))
    lasted = f" {span(incident.ended_at - incident.opened_at)}" if incident.ended_at else ""
    return [
        say(incident.id, STRONG),
        say(incident.severity.value.removeprefix("sev")),
        say(f"{sign} {words(incident.status.value)}{lasted}", ink),
        say(incident.service),
        say(f"{incident.opened_at:%Y-%m-%d %H:%M}", QUIET),
        say(incident.title),
    ]


def _approval(request: ApprovalSummary, now: datetime) -> list[Text]:
    pending = request.state is ApprovalState.PENDING
    actions = [say(action) for action in request.actions]
    return [
        say(request.id, STRONG),
        say(request.state.value, WARN if pending else ""),
        say(span(request.expires_at - now) if pending else "-"),
        say(request.digest[:12], QUIET),
        joined(actions, ", ") or say("nothing"),
    ]
