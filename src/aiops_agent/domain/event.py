"""One line of the durable bus: what happened, for whoever reads from a cursor."""

from datetime import datetime
from enum import StrEnum

from aiops_agent.domain.value import Document, Value


class EventType(StrEnum):
    """The closed set of what can happen; the names are part of the public API."""

    ALERT_RECEIVED = "alert.received"
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_MOVED = "incident.moved"
    TRIAGE_DONE = "triage.done"
    EVIDENCE_ADDED = "evidence.added"
    DIAGNOSIS_READY = "diagnosis.ready"
    PLAN_PROPOSED = "plan.proposed"
    POLICY_DECIDED = "policy.decided"
    APPROVAL_PENDING = "approval.pending"
    APPROVAL_REMINDER = "approval.reminder"
    APPROVAL_DECIDED = "approval.decided"
    APPROVAL_ENDED = "approval.ended"  # expired or withdrawn
    APPROVAL_REFUSED = "approval.refused"  # an answer that does not count
    ACTION_STARTED = "action.started"
    ACTION_FINISHED = "action.finished"
    VERIFICATION_SAMPLE = "verification.sample"
    VERIFICATION_DONE = "verification.done"
    UNDO_FINISHED = "undo.finished"
    INCIDENT_RESOLVED = "incident.resolved"
    INCIDENT_DISMISSED = "incident.dismissed"
    INCIDENT_ESCALATED = "incident.escalated"
    REPORT_WRITTEN = "report.written"
    PEOPLE_TOLD = "people.told"  # or not: `data` says which


class Phase(StrEnum):
    """The phases that a person sees, in order."""

    ALERT = "alert"
    TRIAGE = "triage"
    DIAGNOSE = "diagnose"
    PLAN = "plan"
    REVIEW = "review"
    APPROVE = "approve"
    ACT = "act"
    VERIFY = "verify"
    REPORT = "report"


class Event(Value):
    """`key` is unique: writing the same key again changes nothing. `id` is 0 until stored.

    `at` is the environment's time (a shop's is virtual), `written_at` wall time. `took` is the
    wall time in seconds that the work behind the event needed, if it was measured.
    """

    id: int = 0
    key: str
    incident: str
    environment: str
    type: EventType
    phase: Phase
    agent: str
    message: str
    refs: tuple[str, ...] = ()  # finding ids
    data: Document = {}
    at: datetime
    written_at: datetime
    took: float | None = None
