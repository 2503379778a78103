"""What is kept of an incident: a report for people and a case for memory."""

from datetime import datetime

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import IncidentId, Status
from aiops_agent.domain.remediation import Action, Recovery
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.domain.value import Document, Value


class TriedAction(Value):
    """One thing that was tried and what telemetry said after it."""

    action: Action
    recovery: Recovery


class PastIncident(Value):
    """A case in long-term memory, also of failures."""

    id: IncidentId
    environment: EnvironmentRef
    title: str
    service: ServiceName
    alert_names: tuple[str, ...]
    signal: Signal | None
    cause: CauseKind
    cause_service: ServiceName
    tried: tuple[TriedAction, ...] = ()
    status: Status
    summary: str
    ended_at: datetime


class Postmortem(Value):
    """The written report. `markdown` is for people, `data` the same for machines."""

    incident: IncidentId
    title: str
    severity: Severity
    status: Status
    markdown: str
    data: Document
