"""How the story is told: one durable event per thing that happened, in plain words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.domain.answer import Effort
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import Payload
from aiops_agent.ports.store import Work


@dataclass(frozen=True)
class Chronicle:
    """Writes events of incidents; `now` is wall time."""

    now: Callable[[], datetime]

    def tell(
        self,
        work: Work,
        incident: Incident,
        payload: Payload,
        message: str,
        *,
        key: str,
        at: datetime,
        refs: tuple[str, ...] = (),
        effort: Effort | None = None,
    ) -> None:
        """Append one event; the same incident, type and key again changes nothing."""
        work.events.append(
            Event(
                key=f"{incident.id}:{payload.type}:{key}",
                incident=incident.id,
                environment=incident.environment,
                payload=payload,
                message=message,
                refs=refs,
                at=at,
                written_at=self.now(),
                effort=effort,
            )
        )
