"""What this room needs from the service behind it."""

from typing import Protocol

from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Incident, IncidentSummary


class Served(Protocol):
    """Blocking calls; every one may raise StoreError."""

    def take(self, source: str, body: bytes) -> Delivery:
        """Keep a body durably and return what was kept."""
        ...

    def authorised(self, secret: str) -> bool:
        """Whether a bearer token counts; takes constant time."""
        ...

    def guarded(self) -> bool:
        """Whether there is a token that counts, so that one must be shown."""
        ...

    def incidents(
        self,
        *,
        open_only: bool = False,
        before: str = "",
        limit: int = 100,
        environment: EnvironmentRef | None = None,
    ) -> tuple[IncidentSummary, ...]:
        """Return incidents in short, newest first, from the one behind `before` on."""
        ...

    def incident(self, incident_id: str) -> Incident:
        """Return one incident; raises UsageError when there is none."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether work can be taken, and what hinders it if not."""
        ...


class Counted(Protocol):
    """Our own counts."""

    def received(self, delivery: Delivery) -> None:
        """Count a delivery that was kept."""
        ...

    def render(self) -> bytes:
        """Return all counts in Prometheus' text format; blocking, may raise StoreError."""
        ...
