"""What is not configured: eyes that say so, hands that can do nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Never

from aiops_agent.actions.platform import Accepted, Begin, Landing, Platform, Sight, at_once
from aiops_agent.domain.errors import NoSource, PlatformError
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, ActionKind, Draft, Request
from aiops_agent.domain.telemetry import ServiceGraph


@dataclass(frozen=True)
class Absent:
    """Every read port of an environment in which nobody can be read; `flaw` says why."""

    flaw: str

    async def read(self, *_asked: object) -> Never:
        """Raise NoSource: nothing can be seen."""
        raise NoSource(self.flaw)

    lines = changes = rules = evaluate = workloads = spans = read


@dataclass(frozen=True)
class NoTopology:
    """The Topology port of an environment in which nobody knows the services."""

    async def graph(self) -> ServiceGraph:
        """Return no services."""
        return ServiceGraph(services=())


@dataclass(frozen=True)
class NoPlatform:
    """The write port of an environment that is only looked at."""

    remedy: str
    kinds: Sequence[ActionKind] = ()

    async def prepare(self, action: Action, operation: str) -> Draft:
        """Raise PlatformError: nothing can be done."""
        raise PlatformError(f"{self._flaw} {action.text} ({operation}) cannot be prepared.")

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        """Raise PlatformError: nothing was prepared here."""
        told = f"{prepared.action.text} ({len(applied)} requests) was not prepared here."
        raise PlatformError(f"{self._flaw} {told}")

    async def send(
        self,
        request: Request,
        begin: Begin = at_once,  # noqa: ARG002 -- the port's: nothing begins here
    ) -> Accepted:
        """Raise PlatformError: nothing was sent."""
        raise PlatformError(f"{self._flaw} {request.operation} was not sent.")

    async def look(self, request: Request, armed_at: datetime) -> Sight:
        """Say that nobody can tell."""
        note = f"{request.operation}, armed {armed_at:%H:%M:%S}: nobody can look"
        return Sight(landing=Landing.UNKNOWN, note=note)

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        """Raise PlatformError: nothing was done here."""
        told = f"{step.action.text} ({operation}, {len(applied)} requests) was not done here."
        raise PlatformError(f"{self._flaw} {told}")

    @property
    def _flaw(self) -> str:
        return f"No platform to act on is configured ({self.remedy})."


@dataclass(frozen=True)
class SendsNothing:
    """The write port of a process that only reads; whoever sends is another process."""

    platform: Platform

    @property
    def kinds(self) -> Sequence[ActionKind]:
        """What the other process can do there."""
        return self.platform.kinds

    async def prepare(self, action: Action, operation: str) -> Draft:
        """Raise PlatformError: whoever sends also tries out."""
        raise PlatformError(f"{action.text} ({operation}) is made ready by `aiops execute` only.")

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        """Look whether the target still meets the frozen precondition."""
        return await self.platform.unchanged(prepared, applied)

    async def send(
        self,
        request: Request,
        begin: Begin = at_once,  # noqa: ARG002 -- the port's: nothing begins here
    ) -> Accepted:
        """Raise PlatformError: nothing was sent."""
        raise PlatformError(f"{request.operation} is sent by `aiops execute` only.")

    async def look(self, request: Request, armed_at: datetime) -> Sight:
        """Look whether the request has landed."""
        return await self.platform.look(request, armed_at)

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        """Return the requests of the way back; they are read, and not sent."""
        return await self.platform.take_back(step, applied, operation)
