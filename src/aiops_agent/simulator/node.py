"""One service at work: what it is asked, what it passes on, how long and how badly it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiops_agent.domain.telemetry import ServiceKind
from aiops_agent.simulator.fleet import Build, Fleet, Strength
from aiops_agent.simulator.queueing import IDLE, Station, attempts, beyond, crowding, station
from aiops_agent.simulator.shop import (
    BY_NAME,
    CACHE_TTL,
    POOL_SIZE,
    RETRIES,
    TIMEOUT,
    CallEdge,
    Release,
    Spec,
)

STEP = 5.0  # seconds
SEEN_FROM = 0.05  # a thing that happens to fewer requests is not in their 95th percentile
KNOWN = 0.92  # share of look-ups that a warm cache answers


@dataclass(frozen=True)
class Outage:
    """How a service outside the shop answers when it is not well."""

    errors: float
    latency: float


@dataclass
class Node:
    """A service with its replicas, its settings and the figures of the last step."""

    spec: Spec
    uid: str
    fleet: Fleet
    release: Release
    known: dict[str, Release]
    wanted: int
    generation: int = 1
    overrides: dict[str, str] = field(default_factory=dict)
    extra: float = 0.0  # requests per second from outside, beside the usual
    outage: Outage | None = None
    warm: float = 1.0  # how full a cache is
    timeout: float = 5.0  # seconds after which it gives up, on its own queue and on a callee
    retries: int = 0  # how often it asks a failing callee again; more than five is not tried
    known_share: float = KNOWN  # share of its look-ups that a full cache would answer

    strength: Strength = field(default_factory=Strength)
    inbox: float = 0.0  # what callers will have asked by the end of this step
    work: float = 0.0  # for a database: queries times their cost
    connections: int = 0  # for a database: all that callers may open
    cost: float = 1.0  # for a database: of the mean query
    database: str = ""  # the database asked in this step
    offered: float = 0.0
    work_load: Station = IDLE
    pool: Station = IDLE
    pool_wait: float = 0.0
    latency: float = 0.0
    errors: float = 0.0
    depth: float = 0.0
    seen: dict[str, float] = field(default_factory=dict)  # callee -> share of attempts failing
    blame: str = ""  # the callee that fails most, for the log

    @property
    def settings(self) -> dict[str, str]:
        """The settings in force for replicas that start now."""
        return {**self.spec.config, **self.release.settings, **self.overrides}

    @property
    def build(self) -> Build:
        """What a replica that starts now will run."""
        return Build(self.release, _number(self.settings, POOL_SIZE, 0))

    def configure(self) -> None:
        """Read the settings anew; call it after any change of release or settings."""
        now = self.settings
        self.timeout = max(0.05, _number(now, TIMEOUT, 5000) / 1000.0)
        self.retries = max(0, min(5, _number(now, RETRIES, 0)))
        usual = max(1, _number(self.spec.config, CACHE_TTL, 1))
        kept = max(0, _number(now, CACHE_TTL, 1)) / usual
        self.known_share = KNOWN * min(1.0, kept) ** 0.25

    @property
    def hung_share(self) -> float:
        """The share of serving replicas that answer nothing."""
        return self.strength.hung / self.strength.ready if self.strength.ready else 0.0

    @property
    def down(self) -> bool:
        """Whether no replica is up."""
        return not self.spec.external and self.strength.ready == 0

    def receive(self) -> None:
        """Take the inbox through the own workers."""
        self.offered, self.inbox = self.inbox, 0.0
        capacity = self.spec.capacity * self.strength.capacity
        answered = self.offered * (1.0 - self.hung_share)
        backlog = self.work_load.backlog
        self.work_load = station(backlog, answered, capacity, self.timeout, STEP)

    def answer_as_database(self) -> None:
        """Share the machine among queries; when it is full, all connections wait in it."""
        capacity = self.spec.capacity * min(1.0, self.strength.capacity)
        if capacity <= 0.0:
            self.latency, self.errors = self.timeout, 1.0
            self.work_load = Station(0.0, 1.0, 0.0, 0.0, 2.0 if self.offered else 0.0)
            return
        self.cost = cost = self.work / self.offered if self.offered > 0 else 1.0
        load, service = self.work / capacity, self.spec.own * cost
        if load >= 1.0:
            self.offered /= load  # callers hold all their connections: no more can be asked
        full = self.connections * cost / capacity
        waiting = full if load >= 0.995 else min(full, service * crowding(load, 6))
        self.work_load = Station(self.offered, 0.0, 0.0, waiting, load)
        self.latency, self.errors = service + waiting, 0.0

    def answer_as_outsider(self) -> None:
        """Answer like a third party: well, or as its outage has it."""
        trouble = self.outage or Outage(0.0, self.spec.own)
        self.latency, self.errors = trouble.latency, trouble.errors

    def answer_as_store(self) -> None:
        """Answer like a cache or a queue: quickly, unless it is down."""
        crowd = crowding(self.work_load.load, 2)
        self.latency = self.spec.own * (1.0 + crowd) + self.work_load.wait
        self.errors = 1.0 if self.down else self.work_load.dropped

    def answer(self, callees: dict[str, "Node"], asks: "Asks") -> None:
        """Answer like an application: own time, waits, callees, and what of them failed."""
        load, strength = self.work_load, self.strength
        own = self.spec.own * strength.strain * (1.0 + crowding(load.load, max(1, strength.ready)))
        latency = own + strength.slow + load.wait
        fine = (1.0 - load.dropped) * (1.0 - self.hung_share)
        self.blame, worst = "", 0.02
        for call in asks.calls:
            waits, failing = self._ask(callees[call.callee], call)
            latency += call.wait * waits
            fine *= 1.0 - min(1.0, call.rate) * failing
            if failing > worst:
                self.blame, worst = call.callee, failing
        if asks.database:
            waits, failing = self._query(callees[asks.database], asks)
            latency += waits
            fine *= 1.0 - failing
        lost = min(1.0, latency / STEP) * self.fleet.stopped / max(1, self.wanted)
        self.errors = min(1.0, 1.0 - fine * (1.0 - lost))
        self.latency = max(latency, self.timeout) if self.hung_share >= SEEN_FROM else latency
        self.fleet.stopped = 0

    def tries(self, call: CallEdge) -> float:
        """Return how many attempts it makes for one such call, as the callee answers of late."""
        return attempts(self.seen.get(call.callee, 0.0), self.retries if call.again else 0)

    def _ask(self, callee: "Node", call: CallEdge) -> tuple[float, float]:
        slow = beyond(self.timeout, callee.latency)
        failing = 1.0 - (1.0 - callee.errors) * (1.0 - slow)
        seen = self.seen.get(call.callee, failing)
        self.seen[call.callee] = 0.5 * seen + 0.5 * failing
        lasting = failing ** (self.retries + 1 if call.again else 1)
        return min(callee.latency, self.timeout) * self.tries(call), lasting

    def _query(self, database: "Node", asks: "Asks") -> tuple[float, float]:
        held = self.spec.hold + asks.each * database.latency
        size = self.strength.pool
        rate = size / held
        using = self.work_load.passed * asks.using
        self.pool = station(self.pool.backlog, using, rate, self.timeout, STEP)
        self.pool_wait = self.pool.wait + held * crowding(self.pool.load, max(1, size))
        seen = min(1.0, 4.0 * asks.using)
        waits = seen * (self.pool_wait + asks.each * database.latency)
        failing = 1.0 - (1.0 - self.pool.dropped) * (1.0 - database.errors)
        return waits, asks.using * failing


@dataclass(frozen=True)
class Asks:
    """What one request of a service asks of others, given how warm the cache is.

    `calls` go to services; `using` is the share of requests that need a connection to `database`,
    `each` how many queries those make.
    """

    calls: tuple[CallEdge, ...]
    database: str = ""
    using: float = 0.0
    each: float = 0.0

    @property
    def queries(self) -> float:
        """Queries per request."""
        return self.using * self.each


def asks_of(spec: Spec, unknown: float) -> Asks:
    """Return what a request of `spec` asks when `unknown` of its look-ups miss the cache."""
    stored = [call for call in spec.calls if BY_NAME[call.callee].kind is ServiceKind.DATABASE]
    services = [call for call in spec.calls if call not in stored]
    looked_up = unknown if spec.misses else 0.0
    queries = sum(call.rate for call in stored) + looked_up
    using = min(1.0, sum(min(1.0, call.rate) for call in stored) + looked_up)
    return Asks(
        calls=tuple(services),
        database=stored[0].callee if stored else spec.misses,
        using=using,
        each=queries / using if using > 0 else 0.0,
    )


def _number(settings: Mapping[str, str], name: str, default: int) -> int:
    text = settings.get(name, "")
    return int(text) if text.isdecimal() else default
