"""Lists of incidents and approvals: one line each."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.domain.approval import ApprovalState, ApprovalSummary, RefusedAnswer
from aiops_agent.domain.incident import IncidentSummary, Status
from aiops_agent.domain.quantity import span
from aiops_agent.domain.runbook import Runbook, RunbookHit
from aiops_agent.domain.text import shell
from aiops_agent.interfaces.terminal.escape import joined, say
from aiops_agent.interfaces.terminal.layout import table
from aiops_agent.interfaces.terminal.palette import LINK, QUIET, STATUS_MARK, STRONG, WARN, words
from aiops_agent.interfaces.terminal.screen import Tier, tier

_SERVICE_CAP = 20  # cells
_NAME_CAP, _FITS_CAP = 24, 30  # cells


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
    command = say(shell("aiops", "approval", "show", waiting[0]), LINK)
    return Group(listed, Text.assemble((f"{len(waiting)} {need} you: ", WARN), command))


def approvals(found: Sequence[ApprovalSummary], now: datetime, width: int) -> RenderableType:
    """Return one line per request; `now` is wall time and gives the time left."""
    if not found:
        return say("No approvals.")
    heads = ["ID", "STATE", "LEFT", "PLAN", "DO"]
    return table(heads, [_approval(request, now) for request in found], width)


def refused(found: Sequence[RefusedAnswer], width: int) -> RenderableType:
    """Return one line per answer that did not count."""
    if not found:
        return say("No answer was refused.")
    heads = ["WHEN (UTC)", "PLAN", "ANSWER", "BY", "WHERE", "WHY IT DOES NOT COUNT"]
    return table(heads, [_refused(answer) for answer in found], width, {"BY": _SERVICE_CAP})


def runbooks(found: Sequence[Runbook], width: int) -> RenderableType:
    """Return one line per runbook."""
    if not found:
        return say("No runbooks.")
    rows = [
        [say(one.name, STRONG), say(_matches(one)), say(one.owner or "-"), say(one.description)]
        for one in found
    ]
    caps = {"NAME": _NAME_CAP, "FITS": _FITS_CAP, "OWNER": _SERVICE_CAP}
    return table(["NAME", "FITS", "OWNER", "WHAT"], rows, width, caps)


def runbook_hits(found: Sequence[RunbookHit], width: int) -> RenderableType:
    """Return one line per runbook that fits, with the reason."""
    if not found:
        return say("No runbook fits.")
    rows = [
        [
            say(hit.runbook.name, STRONG),
            say(", ".join(hit.reasons)),
            say(", ".join(hit.runbook.safe_actions) or "-"),
            say(hit.runbook.description),
        ]
        for hit in found
    ]
    caps = {"NAME": _NAME_CAP, "BECAUSE": _FITS_CAP, "SAFE ACTIONS": _FITS_CAP}
    return table(["NAME", "BECAUSE", "SAFE ACTIONS", "WHAT"], rows, width, caps)


def _matches(book: Runbook) -> str:
    keys = [f"{key} {'|'.join(words)}" for key, words in book.match.items()]
    return ", ".join(keys) or "by link only"


def _incident(incident: IncidentSummary) -> list[Text]:
    sign, ink = STATUS_MARK.get(incident.status, ("·", QUIET))
    lasted = f" {span(incident.ended_at - incident.opened_at)}" if incident.ended_at else ""
    return [
        say(incident.id, STRONG),
        say(incident.severity.value.removeprefix("SEV")),
        say(f"{sign} {words(incident.status.value)}{lasted}", ink),
        say(incident.service),
        say(f"{incident.opened_at:%Y-%m-%d %H:%M}", QUIET),
        say(incident.title),
    ]


def _refused(answer: RefusedAnswer) -> list[Text]:
    said = {True: "yes", False: "no", None: "unreadable"}[answer.approve]
    return [
        say(f"{answer.at:%Y-%m-%d %H:%M:%S}", QUIET),
        say(answer.request, STRONG),
        say(said),
        say(answer.by or "-"),
        say(answer.surface.value),
        say(answer.why),
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
