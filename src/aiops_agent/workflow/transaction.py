"""One open transaction on one incident, with the environment's time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiops_agent.domain.answer import Effort
from aiops_agent.domain.errors import AiopsError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Attempt, Incident
from aiops_agent.domain.payload import Payload
from aiops_agent.ports.store import Work
from aiops_agent.workflow.deps import Deps


@dataclass(frozen=True)
class IncidentTransaction:
    """Everything written inside is committed together; `at` is environment, `now` wall time."""

    work: Work
    incident: Incident
    at: datetime
    now: Callable[[], datetime]

    def tell(
        self,
        payload: Payload,
        message: str,
        key: str,
        *,
        refs: tuple[str, ...] = (),
        effort: Effort | None = None,
    ) -> None:
        """Append one event of the incident; the same type and key again changes nothing."""
        event = self.event(payload, message, key)
        self.work.events.append(event.model_copy(update={"refs": refs, "effort": effort}))

    def event(self, payload: Payload, message: str, key: str) -> Event:
        """Return an event of the incident, not yet appended."""
        return Event(
            key=f"{self.incident.id}:{payload.type}:{key}",
            incident=self.incident.id,
            environment=self.incident.environment,
            payload=payload,
            message=message,
            at=self.at,
            written_at=self.now(),
        )

    def keep(self, incident: Incident) -> None:
        """Store a changed incident."""
        self.work.incidents.put(incident)

    def attempt(self, number: int) -> Attempt:
        """Return that attempt, or a new one of that number."""
        known = (attempt for attempt in self.incident.attempts if attempt.number == number)
        return next(known, Attempt(number=number))

    def amend(self, number: int, **facts: Any) -> Attempt:
        """Store the incident with these facts in that attempt, and return the attempt."""
        changed = self.attempt(number).model_copy(update=facts)
        self.keep(self.incident.amend(changed))
        return changed


def incident_of(deps: Deps, incident_id: str) -> Incident:
    """Return an incident that is known to be there; raises LookupError when it is not."""
    with deps.store.read() as view:
        incident = view.incidents.get(incident_id)
    if incident is None:
        raise LookupError(f"There is no incident {incident_id}.")
    return incident


@contextmanager
def transaction(deps: Deps, incident_id: str) -> Iterator[IncidentTransaction]:
    """Open a transaction on one incident; raises LookupError when there is none."""
    with deps.store.begin() as work:
        incident = work.incidents.get(incident_id)
        if incident is None:
            raise LookupError(f"There is no incident {incident_id}.")
        yield IncidentTransaction(work, incident, _time_of(deps, incident), deps.now)


def _time_of(deps: Deps, incident: Incident) -> datetime:
    """Return the environment's time; wall time when the environment is gone."""
    try:
        return deps.environments(incident.environment).clock.now()
    except AiopsError:
        return deps.now()
