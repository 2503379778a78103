"""Long-term memory: what is kept of incidents that ended, and what is like the present one."""

from typing import Protocol

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import IncidentId
from aiops_agent.domain.postmortem import PastIncident, Postmortem
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.domain.value import Value


class RecallQuery(Value):
    """The present incident as far as memory compares it; `signal` and `cause` are beliefs."""

    incident: IncidentId  # never among its own hits
    environment: EnvironmentRef
    service: ServiceName
    alert_names: tuple[str, ...] = ()
    signal: Signal | None = None
    cause: CauseKind | None = None


class Hit(Value):
    """A past incident that is like the present one, and why it was recalled."""

    case: PastIncident
    points: float  # more is more alike
    reasons: tuple[str, ...]  # "same service"


class Memory(Protocol):
    """Keeps what was learnt; nobody else loads past incidents. Its calls block: use a thread."""

    def remember(self, case: PastIncident, report: Postmortem | None) -> None:
        """Keep a case and its report, also of a failure; safe to repeat. Raises StoreError.

        Without a report the one kept before stays.
        """
        ...

    def recall(self, query: RecallQuery) -> tuple[Hit, ...]:
        """Return what is alike, the likest first, then the newest. Raises StoreError."""
        ...
