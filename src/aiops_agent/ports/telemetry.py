"""Eyes: what an environment lets us read, and its time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from aiops_agent.domain.alert import SenderAlert
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.policy import Freeze, Mode
from aiops_agent.domain.sending import Limits
from aiops_agent.domain.survey import Instances
from aiops_agent.domain.telemetry import (
    AlertRule,
    Change,
    LogLine,
    RouteErrors,
    RuleReading,
    Series,
    ServiceGraph,
    ServiceName,
    Signal,
    Span,
    Vital,
    Window,
    Workload,
)
from aiops_agent.domain.trouble import PlatformTrouble
from aiops_agent.ports.release import Releases


class Metrics(Protocol):
    """Signals over time."""

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        """Return a series for each pair that exists; a pair without data is left out.

        Raises SourceError when the source does not answer.
        """


class Vitals(Protocol):
    """How the single instances of a service are."""

    async def vitals(self, service: ServiceName) -> tuple[Vital, ...]:
        """Return what is known now of each instance; () when nothing is. Raises SourceError."""


class RequestRoutes(Protocol):
    """Which requests of a service fail."""

    async def failing(
        self, service: ServiceName, at: datetime | None = None
    ) -> tuple[RouteErrors, ...]:
        """Return the routes that fail at a moment, by default now, those with most failures first.

        () where none fails, and where metrics tell no routes. Raises SourceError.
        """


class Logs(Protocol):
    """What services wrote."""

    async def lines(self, services: Sequence[ServiceName], window: Window) -> tuple[LogLine, ...]:
        """Return lines oldest first, at most a few thousand. Raises SourceError."""


class Changes(Protocol):
    """What was released or reconfigured."""

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Return the changes inside the window, oldest first. Raises SourceError."""


class Topology(Protocol):
    """Which services there are and who calls whom."""

    async def graph(self) -> ServiceGraph:
        """Return the services and calls known now. Raises SourceError."""


class Rules(Protocol):
    """The alerting rules of the environment."""

    async def rules(self) -> tuple[AlertRule, ...]:
        """Return every alerting rule with its present state. Raises SourceError."""

    async def evaluate(
        self, rule: AlertRule, at: datetime | None = None
    ) -> tuple[RuleReading, ...]:
        """Return the series for which the rule's expression holds at a moment, by default now.

        Only a rule that `rules` lists is evaluated; any other raises SourceError, because an
        expression from elsewhere is an unchecked query.
        """


class Workloads(Protocol):
    """What runs, with its state."""

    async def workloads(self, services: Sequence[ServiceName]) -> tuple[Workload, ...]:
        """Return the instances of these services, stopped ones too. Raises SourceError."""


class Troubles(Protocol):
    """What a platform says by itself is wrong, without any metric."""

    async def troubles(self) -> tuple[PlatformTrouble, ...]:
        """Return all that is wrong now, the worst first. Raises SourceError."""

    async def unreadable(self) -> tuple[str, ...]:
        """Return what of the platform may not be read, a sentence each. Raises SourceError."""


class Spans(Protocol):
    """Traces of requests."""

    async def spans(self, services: Sequence[ServiceName], window: Window) -> tuple[Span, ...]:
        """Return spans inside the window, oldest first, at most a few thousand.

        Raises SourceError.
        """


class Roster(Protocol):
    """What runs, under every name by which it may be known."""

    async def instances(self) -> tuple[Instances, ...]:
        """Return every service with the names of its instances. Raises SourceError."""


class SenderAlerts(Protocol):
    """What a sender of alerts says fires now."""

    async def firing(self) -> tuple[SenderAlert, ...]:
        """Return every firing alert once, muted ones too. Raises SourceError."""


class Clock(Protocol):
    """The time of one environment."""

    def now(self) -> datetime:
        """Return the environment's present time (UTC); a shop's is virtual."""

    async def wait_until(self, at: datetime) -> None:
        """Return when the environment's time is at least `at`; safe to repeat."""


@dataclass(frozen=True)
class Environment:
    """Everything about one place where incidents happen, except the power to change it."""

    ref: EnvironmentRef
    metrics: Metrics
    logs: Logs
    changes: Changes
    topology: Topology
    rules: Rules
    workloads: Workloads
    spans: Spans
    clock: Clock
    routes: RequestRoutes | None = None  # None: nobody tells them apart
    troubles: Troubles | None = None  # None: its platform says nothing by itself
    mode: Mode = Mode.PROPOSE
    freezes: tuple[Freeze, ...] = ()
    limits: Limits = field(default_factory=Limits)
    releases: Releases | None = None  # None where releases are known by name, not by image


class Environments(Protocol):
    """Opens an environment by its name."""

    def __call__(self, environment: EnvironmentRef) -> Environment:
        """Return the environment; raises UsageError when there is none of that name."""
