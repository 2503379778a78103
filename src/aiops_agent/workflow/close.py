"""How an incident ends: the last move, the report, the case for memory."""

import logging

from aiops_agent.domain.answer import STATISTICS, Effort
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import Ending, Incident, Status
from aiops_agent.domain.payload import (
    IncidentDismissed,
    IncidentEscalated,
    IncidentResolved,
    ReportWritten,
)
from aiops_agent.domain.point import Point
from aiops_agent.domain.postmortem import PastIncident, Postmortem, Remedy
from aiops_agent.domain.remediation import Recovery
from aiops_agent.domain.value import Document
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.over import Closing
from aiops_agent.workflow.page import page

log = logging.getLogger(__name__)

_EVENTS = {
    Status.RESOLVED: IncidentResolved,
    Status.DISMISSED: IncidentDismissed,
    Status.ESCALATED: IncidentEscalated,
}


class Close:
    """Ends incidents; one transaction each, safe to repeat."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def spent(self, incident_id: str) -> Closing:
        """Return the ending of an incident that is out of attempts."""
        with page(self._deps, incident_id) as p:
            acted = p.incident.acted
            count = len(p.incident.attempts)
        note = f"{count} attempts did not help; everything known is in the report"
        ending = Ending.FAILED if acted else Ending.HANDED_OVER
        return Closing(Status.ESCALATED, ending, note)

    def fault(self, incident_id: str, error: BaseException) -> Closing:
        """Return the ending of an incident whose story failed: a person must look."""
        log.error("story failed", exc_info=error, extra={"incident": incident_id})
        with page(self._deps, incident_id) as p:
            acted = p.incident.acted
        note = f"the agent itself failed ({type(error).__name__}: {error}); a person must look"
        ending = Ending.FAILED if acted else Ending.HANDED_OVER
        return Closing(Status.ESCALATED, ending, note)

    def end(self, incident_id: str, status: Status, ending: Ending, note: str) -> None:
        """Move the incident to its end and say so."""
        with page(self._deps, incident_id) as p:
            ended = p.incident.move(status, note, at=p.at)
            p.keep(ended.model_copy(update={"ending": ending}))
            said = _EVENTS[status](ending=ending, severity=p.incident.severity)
            p.tell(said, note, "end")

    def archive(self, incident_id: str, reply: Document) -> None:
        """Put the case into memory, with its report, also when it failed."""
        with page(self._deps, incident_id) as p:
            report = Postmortem.of(reply["answer"]) if reply.get("answer") else None
            p.work.archive.add(_case(p.incident), report)
            failed = "" if report else str(reply.get("unseen", "no reason given"))
            words = "report written" if report else f"no report: {failed}"
            effort = Effort(by=STATISTICS, took=reply["took"])
            p.tell(ReportWritten(failed=failed), f"{words}; kept in memory", "end", effort=effort)
        self._deps.mark(Point.ARCHIVED)


def _case(incident: Incident) -> PastIncident:
    best = incident.diagnosis.best if incident.diagnosis else None
    remedies = [
        Remedy(
            action=action,
            recovery=a.verification.recovery if a.verification else Recovery.INCONCLUSIVE,
        )
        for a in incident.attempts
        if a.plan and a.outcome and a.outcome.effects
        for action in a.plan.actions
    ]
    return PastIncident(
        id=incident.id,
        environment=incident.environment,
        title=incident.title,
        service=incident.service,
        alert_names=incident.alert_names,
        signal=incident.triage.signal if incident.triage else None,
        cause=best.kind if best else CauseKind.UNKNOWN,
        cause_service=best.service if best else incident.service,
        remedies=tuple(remedies),
        status=incident.status,
        summary=incident.note,
        ended_at=incident.ended_at or incident.opened_at,
    )
