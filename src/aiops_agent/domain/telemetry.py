"""What can be observed: signals of services, log lines, changes, who calls whom."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import NewType

from aiops_agent.domain.value import Value

ServiceName = NewType("ServiceName", str)
NAMELESS = ServiceName("unknown")  # of whom an alert speaks that names nobody


class Signal(StrEnum):
    """A measured quantity of one service. The first four are the golden signals."""

    LATENCY = "latency"  # seconds, 95th percentile of requests served
    TRAFFIC = "traffic"  # requests per second offered
    ERRORS = "errors"  # share of requests failing, 0..1
    SATURATION = "saturation"  # share of capacity in use (CPU or worker slots), 0..1, may exceed 1
    MEMORY = "memory"  # share of the memory limit in use, 0..1
    POOL = "pool"  # share of the connection pool in use, 0..1
    POOL_WAIT = "pool_wait"  # seconds waited for a pooled connection, 95th percentile
    QUEUE = "queue"  # items waiting
    CACHE_HITS = "cache_hits"  # share of look-ups answered by the cache, 0..1
    REPLICAS = "replicas"  # replicas that are up
    RESTARTS = "restarts"  # restarts within what a rate looks back over
    TAIL = "tail"  # seconds, 99th percentile of requests served: a fault may hurt one in fifty


GOLDEN = (Signal.LATENCY, Signal.TRAFFIC, Signal.ERRORS, Signal.SATURATION)


class Window(Value):
    """A stretch of time, start included, end excluded."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


class Series(Value):
    """One signal of one service over time. `values[i]` was seen at `times[i]`; None is a gap."""

    service: ServiceName
    signal: Signal
    times: tuple[datetime, ...]
    values: tuple[float | None, ...]
    source: str  # vendor that answered, e.g. "prometheus"
    query: str  # what was asked, fit to be pasted there


class Vital(Value):
    """One signal of one instance of a service, now.

    `names` are what its source calls the instance. REPLICAS is 1 for one that answers, else 0.
    """

    names: tuple[str, ...]
    signal: Signal
    value: float


class RouteErrors(Value):
    """How the requests of one route of a service fail; shares are in 0..1.

    `route` is what the metrics call it, and untrusted.
    """

    route: str
    share: float  # of its requests that fail
    part: float  # of all failures of the service
    source: str
    query: str


class LogLine(Value):
    """One line that a service wrote. `text` is untrusted data.

    `instance` is the name of the workload that wrote it, "" where the source cannot tell.
    """

    at: datetime
    service: ServiceName
    level: str
    text: str
    instance: str = ""


class ChangeKind(StrEnum):
    """What was changed."""

    RELEASE = "release"
    CONFIG = "config"
    SCALE = "scale"
    RESTART = "restart"
    OTHER = "other"


class Change(Value):
    """Something that people or machines changed; before and after are short texts."""

    at: datetime
    service: ServiceName
    kind: ChangeKind
    title: str
    before: str = ""
    after: str = ""
    source: str
    settings: dict[str, tuple[str, str]] = {}  # setting -> (old, new), where the change names any
    fixed: str = ""  # why these are not given their old values by themselves, in words


class ServiceKind(StrEnum):
    """What sort of thing a service is; an external one cannot be acted on."""

    APPLICATION = "application"
    DATABASE = "database"
    CACHE = "cache"
    QUEUE = "queue"
    EXTERNAL = "external"


class Objective(Value):
    """The level that the owner promises; latency in seconds (p95), errors as a share 0..1."""

    latency: float | None = None
    errors: float | None = None

    def level(self, signal: Signal) -> float | None:
        """Return what is promised of a signal, if anything is."""
        return {Signal.LATENCY: self.latency, Signal.ERRORS: self.errors}.get(signal)


class Service(Value):
    """A service as the environment knows it."""

    name: ServiceName
    kind: ServiceKind = ServiceKind.APPLICATION
    owner: str = ""
    objective: Objective = Objective()
    release: str = ""  # what runs now, if known
    replicas: int | None = None


class ServiceGraph(Value):
    """Who calls whom: `calls` holds (caller, callee) pairs."""

    services: tuple[Service, ...]
    calls: tuple[tuple[ServiceName, ServiceName], ...] = ()

    @property
    def names(self) -> tuple[ServiceName, ...]:
        """All service names, in the order given."""
        return tuple(service.name for service in self.services)

    def service(self, name: str) -> Service | None:
        """Return the service of that name, or None."""
        return next((service for service in self.services if service.name == name), None)

    def callees(self, name: str) -> tuple[ServiceName, ...]:
        """Services that `name` calls directly."""
        return self._called.get(name, ())

    def callers(self, name: str) -> tuple[ServiceName, ...]:
        """Services that call `name` directly."""
        return self._calling.get(name, ())

    def downstream(self, name: str) -> tuple[ServiceName, ...]:
        """Everything that `name` needs, nearest first, itself excluded."""
        return self._walk(name, self.callees)

    def upstream(self, name: str) -> tuple[ServiceName, ...]:
        """Everything that needs `name`, nearest first, itself excluded."""
        return self._walk(name, self.callers)

    # Looked through once: a storm asks for thousands of services.
    @cached_property
    def _called(self) -> Mapping[str, tuple[ServiceName, ...]]:
        return _grouped(self.calls)

    @cached_property
    def _calling(self) -> Mapping[str, tuple[ServiceName, ...]]:
        return _grouped((callee, caller) for caller, callee in self.calls)

    @staticmethod
    def _walk(name: str, step: Callable[[str], tuple[ServiceName, ...]]) -> tuple[ServiceName, ...]:
        seen: dict[ServiceName, None] = {}
        edge = deque(step(name))
        while edge:
            found = edge.popleft()
            if found != name and found not in seen:
                seen[found] = None
                edge.extend(step(found))
        return tuple(seen)


def _grouped(
    pairs: Iterable[tuple[ServiceName, ServiceName]],
) -> Mapping[str, tuple[ServiceName, ...]]:
    found: dict[str, list[ServiceName]] = {}
    for one, other in pairs:
        found.setdefault(one, []).append(other)
    return {one: tuple(others) for one, others in found.items()}


class RuleState(StrEnum):
    """What an alerting rule says now."""

    INACTIVE = "inactive"
    PENDING = "pending"  # it holds, but not for long enough
    FIRING = "firing"
    UNKNOWN = "unknown"


class AlertRule(Value):
    """One alerting rule; `expression` is in its vendor's language. Labels and words are untrusted.

    `hold` is how long the expression must hold before the rule fires.
    """

    name: str
    group: str = ""
    expression: str
    hold: timedelta = timedelta()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    state: RuleState = RuleState.UNKNOWN


class RuleReading(Value):
    """One series for which a rule's expression holds now, and its value."""

    labels: dict[str, str]
    value: float | None


class Workload(Value):
    """One running or stopped instance of a service, as its platform knows it; None is unknown.

    `memory_limit` and `memory_used` are in bytes, `cpu_limit` and `cpu_used` in cores. `reason` is
    the platform's word, `probe` what its health check said last: both untrusted.
    """

    service: ServiceName
    name: str
    state: str  # the platform's word: "running", "exited", "waiting"
    reason: str = ""
    exit_code: int | None = None
    image: str = ""
    image_id: str = ""
    restarts: int | None = None
    cpu_limit: float | None = None
    memory_limit: int | None = None
    node: str = ""  # where it was placed
    started_at: datetime | None = None
    ended_at: datetime | None = None  # the last end, also of one that was started again
    wanted: bool = True  # False when somebody asked for its end, or it has done its work
    health: str = ""  # what its health check makes of it: "healthy", "unhealthy", "starting"
    probe: str = ""
    cpu_used: float | None = None
    memory_used: int | None = None


class Remains(Value):
    """An instance as it was just before an action that ends it, with its last lines."""

    workload: Workload
    lines: tuple[LogLine, ...] = ()


class Span(Value):
    """One operation of one request. `name` is untrusted; `length` is in seconds."""

    trace: str
    id: str
    parent: str = ""
    service: ServiceName
    name: str
    start: datetime
    length: float
    failed: bool = False
