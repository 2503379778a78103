"""What a vendor's room brings to the registry: its section, how it is connected, its check."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.checkup import Checkup
from aiops_agent.domain.declaration import Declarations
from aiops_agent.domain.survey import SignalSource
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.value import Value
from aiops_agent.ports import telemetry
from aiops_agent.ports.past import AlertHistory, Meter
from aiops_agent.ports.patches import PatchFiles
from aiops_agent.ports.people import Notifier

S = TypeVar("S", bound=Value)
Needs: TypeAlias = tuple[tuple[str, str], ...]  # (module, extra that installs it)
Decoder: TypeAlias = Callable[..., Delivery]  # (body, *, received_at)
Keep: TypeAlias = Callable[[Callable[[], None]], Coroutine[Any, Any, None]]  # (alive)


class Port(StrEnum):
    """What can be read of an environment."""

    METRICS = "metrics"
    RULES = "rules"
    LOGS = "logs"
    CHANGES = "changes"
    TOPOLOGY = "topology"
    WORKLOADS = "workloads"
    SPANS = "spans"


@dataclass(frozen=True)
class Surroundings:
    """What is known of an environment before a vendor is connected.

    `topology` and `roster` are those of the vendors that stand before it in the registry. Without
    `sends` another process changes what is there, and this one need not have the rights to.
    """

    declared: Declarations
    clock: telemetry.Clock
    topology: telemetry.Topology | None = None
    roster: telemetry.Roster | None = None
    sends: bool = True


@dataclass(frozen=True)
class Connection:
    """One vendor, connected: what it lets us read, and how it is. None is what it cannot tell.

    `signals` says where each service's signals come from. `history` reads which alerts fired, and
    `past` returns the same vendor as it could be read at the moment that a clock tells: nothing
    later, nothing of which only the present is known. `keep` follows it until it is cancelled, so
    that reads need not ask anew, and calls `alive` now and then; who serves runs it, nobody else.
    `handle` is the room's own and only meant for its platform.
    """

    check: Callable[[], Awaitable[Checkup]]
    metrics: telemetry.Metrics | None = None
    beside: telemetry.Metrics | None = None  # adds signals that the source of metrics has not
    rules: telemetry.Rules | None = None
    logs: telemetry.Logs | None = None
    changes: telemetry.Changes | None = None
    topology: telemetry.Topology | None = None
    workloads: telemetry.Workloads | None = None
    spans: telemetry.Spans | None = None
    troubles: telemetry.Troubles | None = None
    roster: telemetry.Roster | None = None
    clock: telemetry.Clock | None = None  # None is wall time
    vitals: telemetry.Vitals | None = None
    routes: telemetry.RequestRoutes | None = None
    alerts: telemetry.SenderAlerts | None = None
    rule_alerts: telemetry.SenderAlerts | None = None  # asked by who looks, never listened to
    signals: Callable[[], Awaitable[Mapping[ServiceName, tuple[SignalSource, ...]]]] | None = None
    history: Callable[[Meter], AlertHistory] | None = None
    past: "Callable[[telemetry.Clock, Meter], Connection] | None" = None
    keep: Keep | None = None
    patches: PatchFiles | None = None
    handle: object = None

    def port(self, port: Port) -> Any:
        """Return what it offers behind a port, or None."""
        return getattr(self, port.value)


@dataclass(frozen=True)
class Vendor(Generic[S]):
    """A source's line in the registry. `settings` is its section `sources.NAME`.

    `ports` are what it can tell. `needs` maps modules of optional libraries to the extra that
    installs them. `connect` opens nothing: a source that does not answer fails when it is read.
    """

    name: str
    settings: type[S]
    ports: frozenset[Port]
    connect: Callable[[S, Surroundings], Connection]
    group: str = "sources"  # the heading under which `doctor` shows it
    needs: Needs = ()


@dataclass(frozen=True)
class Channel(Generic[S]):
    """A notifier's line in the registry. `settings` is its section `notify.NAME`."""

    name: str
    settings: type[S]
    open: Callable[[S], Notifier]
    check: Callable[[S], Awaitable[Checkup]]
    needs: Needs = ()


AnyVendor: TypeAlias = Vendor[Any]
AnyChannel: TypeAlias = Channel[Any]
