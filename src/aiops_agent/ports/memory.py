"""Long-term memory: what is kept of incidents that ended, and what is like the present one."""

from datetime import timedelta
from typing import Protocol

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.postmortem import PastIncident, Postmortem
from aiops_agent.domain.signature import Signature
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.value import Value


class RecallQuery(Value):
    """The present incident, which is never among its own hits, and what is believed of it."""

    incident: Incident
    cause: CauseKind | None = None
    service: ServiceName | None = None  # of the cause
    signature: Signature | None = None  # None: that of the incident's newest diagnosis


class Hit(Value):
    """A past incident that is like the present one, and why it was recalled."""

    case: PastIncident
    points: float  # more is more alike
    reasons: tuple[str, ...]  # "same service"
    held: timedelta | None = None  # how long after its end the same came back, if it did

    @property
    def story(self) -> tuple[str, str, str]:
        """What is the same when it comes back: where, whose, and what cause."""
        case = self.case
        return (str(case.environment), str(case.cause_service), case.believed.value)


class Memory(Protocol):
    """Keeps what was learnt; nobody else loads past incidents. Its calls block: use a thread."""

    def remember(self, case: PastIncident, report: Postmortem | None) -> None:
        """Keep a case and its report, also of a failure; safe to repeat. Raises StoreError.

        Without a report the one kept before stays.
        """

    def recall(self, query: RecallQuery) -> tuple[Hit, ...]:
        """Return what is alike, the likest first, then the newest. Raises StoreError."""
