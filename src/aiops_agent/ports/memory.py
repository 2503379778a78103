"""Long-term memory: what is kept of incidents that ended, and what is like the present one."""

from typing import Protocol

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.postmortem import PastIncident, Postmortem
from aiops_agent.domain.value import Value


class RecallQuery(Value):
    """The present incident, which is never among its own hits, and what is believed of it."""

    incident: Incident
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

    def recall(self, query: RecallQuery) -> tuple[Hit, ...]:
        """Return what is alike, the likest first, then the newest. Raises StoreError."""
