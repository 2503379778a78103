"""What is not configured: eyes that say so, hands that can do nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.actions.platform import Landing, Sight
from aiops_agent.domain.errors import PlatformError, SourceError
from aiops_agent.domain.remediation import Action, ActionKind, Draft, Request
from aiops_agent.domain.telemetry import Change, LogLine, Series, ServiceName, Signal, Window

_NO_METRICS = "No source of metrics is configured (sources.prometheus)."
_NO_LOGS = "No source of logs is configured (sources.docker)."
_NO_CHANGES = "No source of changes is configured (sources.docker)."
_NO_HANDS = "No platform to act on is configured (sources.docker)."


@dataclass(frozen=True)
class NoMetrics:
    """The Metrics port of an environment without metrics."""

    async def read(
        self, _services: Sequence[ServiceName], _signals: Sequence[Signal], _window: Window
    ) -> tuple[Series, ...]:
        """Raise SourceError: nothing can be seen."""
        raise SourceError(_NO_METRICS)


@dataclass(frozen=True)
class NoLogs:
    """The Logs port of an environment without logs."""

    async def lines(self, _services: Sequence[ServiceName], _window: Window) -> tuple[LogLine, ...]:
        """Raise SourceError: nothing can be seen."""
        raise SourceError(_NO_LOGS)


@dataclass(frozen=True)
class NoChanges:
    """The Changes port of an environment that nobody keeps books of."""

    async def changes(self, _window: Window) -> tuple[Change, ...]:
        """Raise SourceError: nothing can be seen."""
        raise SourceError(_NO_CHANGES)


@dataclass(frozen=True)
class NoPlatform:
    """The write port of an environment that is only looked at."""

    kinds: Sequence[ActionKind] = ()

    async def prepare(self, action: Action, operation: str) -> Draft:
        """Raise PlatformError: nothing can be done."""
        raise PlatformError(f"{_NO_HANDS} {action.text} ({operation}) cannot be prepared.")

    async def unchanged(self, prepared: Draft) -> bool:
        """Raise PlatformError: nothing was prepared here."""
        raise PlatformError(f"{_NO_HANDS} {prepared.action.text} was not prepared here.")

    async def send(self, request: Request) -> str:
        """Raise PlatformError: nothing was sent."""
        raise PlatformError(f"{_NO_HANDS} {request.operation} was not sent.")

    async def look(self, request: Request, armed_at: datetime) -> Sight:
        """Say that nobody can tell."""
        note = f"{request.operation}, armed {armed_at:%H:%M:%S}: nobody can look"
        return Sight(landing=Landing.UNKNOWN, note=note)
