"""One open transaction on one incident, and the environment's time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.domain.answer import Effort
from aiops_agent.domain.errors import AiopsError
from aiops_agent.domain.incident import Attempt, Incident
from aiops_agent.domain.payload import Payload
from aiops_agent.ports.store import Work
from aiops_agent.workflow.chronicle import Chronicle
from aiops_agent.workflow.deps import Deps


@dataclass(frozen=True)
class Page:
    """An open transaction with the incident in it and the environment's time."""

    work: Work
    incident: Incident
    at: datetime
    chronicle: Chronicle

    def tell(
        self,
        payload: Payload,
        message: str,
        key: str,
        *,
        refs: tuple[str, ...] = (),
        effort: Effort | None = None,
    ) -> None:
        """Append one event about this incident."""
        self.chronicle.tell(
            self.work,
            self.incident,
            payload,
            message,
            key=key,
            at=self.at,
            refs=refs,
            effort=effort,
        )

    def attempt(self, number: int) -> Attempt:
        """Return that attempt, or a new one of that number."""
        known = (attempt for attempt in self.incident.attempts if attempt.number == number)
        return next(known, Attempt(number=number))

    def keep(self, incident: Incident) -> None:
        """Store a changed incident."""
        self.work.incidents.put(incident)


@contextmanager
def page(deps: Deps, incident_id: str) -> Iterator[Page]:
    """Open a transaction on one incident."""
    with deps.store.begin() as work:
        incident = work.incidents.get(incident_id)
        if incident is None:
            raise LookupError(f"There is no incident {incident_id}.")
        at = _time_of(deps, incident)
        yield Page(work, incident, at, Chronicle(deps.now))


def _time_of(deps: Deps, incident: Incident) -> datetime:
    """Return the environment's time; wall time when the environment is gone."""
    try:
        return deps.environments(incident.environment).clock.now()
    except AiopsError:
        return deps.now()
