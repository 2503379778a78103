"""What is kept of an incident that ended."""

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.postmortem import PastIncident, TriedAction
from aiops_agent.domain.remediation import Recovery


def case_of(incident: Incident) -> PastIncident:
    """Return the case: what was believed, what was tried, and what came of it."""
    best = incident.diagnosis.best if incident.diagnosis else None
    tried = [
        TriedAction(
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
        tried=tuple(tried),
        status=incident.status,
        summary=incident.note,
        ended_at=incident.ended_at or incident.opened_at,
    )
