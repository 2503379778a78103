"""How the story is told: one durable event per thing that happened, in plain words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.domain.event import Event, EventType, Phase
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.value import Document
from aiops_agent.ports.store import Work

PHASES: dict[EventType, tuple[Phase, str]] = {
    EventType.ALERT_RECEIVED: (Phase.ALERT, "intake"),
    EventType.INCIDENT_OPENED: (Phase.ALERT, "intake"),
    EventType.INCIDENT_MOVED: (Phase.TRIAGE, "story"),
    EventType.TRIAGE_DONE: (Phase.TRIAGE, "triage"),
    EventType.EVIDENCE_ADDED: (Phase.DIAGNOSE, "diagnose"),
    EventType.DIAGNOSIS_READY: (Phase.DIAGNOSE, "diagnose"),
    EventType.PLAN_PROPOSED: (Phase.PLAN, "plan"),
    EventType.POLICY_DECIDED: (Phase.REVIEW, "policy"),
    EventType.APPROVAL_PENDING: (Phase.APPROVE, "gate"),
    EventType.APPROVAL_REMINDER: (Phase.APPROVE, "gate"),
    EventType.APPROVAL_DECIDED: (Phase.APPROVE, "gate"),
    EventType.APPROVAL_ENDED: (Phase.APPROVE, "gate"),
    EventType.APPROVAL_REFUSED: (Phase.APPROVE, "gate"),
    EventType.ACTION_STARTED: (Phase.ACT, "executor"),
    EventType.ACTION_FINISHED: (Phase.ACT, "executor"),
    EventType.VERIFICATION_SAMPLE: (Phase.VERIFY, "verify"),
    EventType.VERIFICATION_DONE: (Phase.VERIFY, "verify"),
    EventType.UNDO_FINISHED: (Phase.ACT, "executor"),
    EventType.INCIDENT_RESOLVED: (Phase.REPORT, "story"),
    EventType.INCIDENT_DISMISSED: (Phase.REPORT, "story"),
    EventType.INCIDENT_ESCALATED: (Phase.REPORT, "story"),
    EventType.REPORT_WRITTEN: (Phase.REPORT, "report"),
    EventType.PEOPLE_TOLD: (Phase.REPORT, "notifier"),
}


@dataclass(frozen=True)
class Chronicle:
    """Writes events of incidents; `now` is wall time."""

    now: Callable[[], datetime]

    def tell(
        self,
        work: Work,
        incident: Incident,
        kind: EventType,
        message: str,
        *,
        key: str,
        at: datetime,
        refs: tuple[str, ...] = (),
        data: Document | None = None,
        took: float | None = None,
    ) -> None:
        """Append one event; the same incident, kind and key again changes nothing."""
        phase, agent = PHASES[kind]
        work.events.append(
            Event(
                key=f"{incident.id}:{kind}:{key}",
                incident=incident.id,
                environment=incident.environment,
                type=kind,
                phase=phase,
                agent=agent,
                message=message,
                refs=refs,
                data=data or {},
                at=at,
                written_at=self.now(),
                took=took,
            )
        )
