"""What the command line needs of the house; bootstrap builds it, tests play it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState, ApprovalSummary, Surface
from aiops_agent.domain.checkup import Checkup
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident, IncidentId, IncidentSummary
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.survey import ServiceSurvey
from aiops_agent.domain.token import Token
from aiops_agent.ports.store import Store


class Service(Protocol):
    """What may be asked and told; blocking, each call its own transaction."""

    @property
    def store(self) -> Store:
        """Everything durable."""
        ...

    def take(self, source: str, body: bytes) -> Delivery:
        """Keep a body durably; raises StoreError when it cannot be."""
        ...

    def authorised(self, secret: str) -> bool:
        """Whether a bearer token counts."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether work can be taken, and what hinders it if not."""
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
        """Return one incident; raises UsageError with the nearest names."""
        ...

    def events(self, after: int = 0, incident: str | None = None) -> Sequence[Event]:
        """Return events above an id, oldest first."""
        ...

    def approvals(
        self, states: Sequence[ApprovalState] = (), limit: int = 100
    ) -> Sequence[ApprovalSummary]:
        """Return requests for approval, newest first."""
        ...

    def approval(self, name: str) -> ApprovalRequest:
        """Return a request by its id or its incident's; raises UsageError."""
        ...

    def decide(
        self,
        name: str,
        *,
        approve: bool,
        by: str,
        surface: Surface,
        reason: str = "",
        digest: str | None = None,
    ) -> ApprovalRequest:
        """Answer a request; raises ApprovalError when the answer does not count."""
        ...

    def take_over(self, incident_id: str, by: str, reason: str = "") -> Incident:
        """Stop the agent on an incident."""
        ...

    def report(self, incident_id: str) -> Postmortem:
        """Return the report of an ended incident; raises UsageError."""
        ...

    def create_token(self, name: str) -> str:
        """Create a token and return its secret."""
        ...

    def guarded(self) -> bool:
        """Whether there is a token that counts, so that one must be shown."""
        ...

    def tokens(self) -> Sequence[Token]:
        """Return all tokens."""
        ...

    def revoke_token(self, name: str) -> None:
        """Revoke a token for ever; raises UsageError."""
        ...


class Scenario(Protocol):
    """One way to break the shop."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        ...

    @property
    def title(self) -> str:
        """What it is, in plain words."""
        ...


class Engine(Protocol):
    """Runs stories as long as it is open."""

    async def intake(self, environment: EnvironmentRef, /) -> Sequence[IncidentId]:
        """Turn waiting alerts into incidents and start their stories; return the open ones."""
        ...

    async def start(self, incident_id: IncidentId, /) -> None:
        """Start the story of an incident, at most once ever."""
        ...

    async def broken(self, incident_id: str, /) -> str:
        """Return why the story of an incident died, or ""; it never should."""
        ...


class Demo(Protocol):
    """Founds shops and breaks them."""

    def begin(self, scenario: str, seed: int, /, *, remember: bool) -> EnvironmentRef:
        """Found a shop, let it break, keep its alert; return the shop's environment. Blocking."""
        ...


class House(Protocol):
    """Everything, built from settings."""

    @property
    def service(self) -> Service:
        """What may be asked and told."""
        ...

    @property
    def scenarios(self) -> Sequence[Scenario]:
        """The ways to break the shop; the first is the default."""
        ...

    @property
    def demo(self) -> Demo:
        """What breaks shops."""
        ...

    def engine(self, role: str, /) -> AbstractAsyncContextManager[Engine]:
        """Open the engine as "shop" or "serve"; raises BusyError when another process has it."""
        ...

    def works(self, role: str, /) -> str:
        """Return the process id that runs the engine of a role on this store, or ""."""
        ...

    async def survey(self) -> Sequence[ServiceSurvey]:
        """Return what can be seen of each service; raises SourceError."""
        ...

    async def doctor(self) -> Sequence[Checkup]:
        """Look at everything that is configured, and return what was found."""
        ...

    def close(self) -> None:
        """Give the database back."""
        ...
