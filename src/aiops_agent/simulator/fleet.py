"""The replicas of one service: starting, serving, hanging, filling their memory, being replaced."""

import math
from dataclasses import dataclass, field

from aiops_agent.simulator.shop import Release

GC_FROM = 0.80  # share of memory from which the collector works hard
COLD = 0.75  # capacity of a replica that has just started
WARM_UP = 20.0  # seconds
BOOT = 10.0  # seconds before a new replica even starts: placing it, fetching its image
PAUSE = 2.0  # seconds between two groups of a rolling restart
ALWAYS = -1e9  # before any time of the shop


@dataclass(frozen=True)
class Build:
    """What a replica runs: a release with the settings that held when it started."""

    release: Release
    pool: int = 0  # database connections


@dataclass(slots=True)
class Replica:
    """One running copy."""

    build: Build
    memory: float
    ready_at: float = ALWAYS
    hung: bool = False


@dataclass(slots=True)
class Strength:
    """What the replicas can do together at one moment; means are over those that serve."""

    ready: int = 0
    hung: int = 0
    capacity: float = 0.0  # in replicas
    slow: float = 0.0  # seconds added to each request
    strain: float = 1.0  # factor of the own time
    query: float = 1.0
    pool: int = 0


@dataclass
class Fleet:
    """All replicas of a service, and the replacements under way."""

    base_memory: float
    start_up: float  # seconds from start to ready
    replicas: list[Replica] = field(default_factory=list)
    todo: list[tuple[float, Replica, Build]] = field(default_factory=list)
    killed: int = 0  # by the memory limit, since it was last read
    stopped: int = 0  # for a restart, since it was last read
    leak: float = 0.0  # share per second, whatever the release
    steady: Strength = field(default_factory=Strength)
    restless_until: float = math.inf

    def fill(self, count: int, build: Build) -> None:
        """Begin with `count` replicas that have served for long."""
        self.replicas = [Replica(build, self.base_memory) for _ in range(count)]

    def scale(self, count: int, build: Build, now: float) -> None:
        """Add replicas that will be ready after their start-up, or take the newest away."""
        while len(self.replicas) < count:
            ready = now + BOOT + self.start_up
            self.replicas.append(Replica(build, self.base_memory, ready))
        del self.replicas[count:]
        self.stir()

    def replace(self, build: Build, now: float) -> None:
        """Restart every replica as `build`, about a third at a time."""
        group = max(1, len(self.replicas) // 3)
        self.stir()
        self.todo = [
            (now + (place // group) * (self.start_up + PAUSE), replica, build)
            for place, replica in enumerate(self.replicas)
        ]
        self._replace_due(now)

    def hang(self, count: int) -> None:
        """Let the first `count` replicas accept requests and answer none."""
        for replica in self.replicas[:count]:
            replica.hung = True
        self.stir()

    def advance(self, now: float, step: float) -> Strength:
        """Replace what is due, let memory leak away and the limit kill; return what can serve."""
        if now >= self.restless_until and not self.todo:
            return self.steady
        self._replace_due(now)
        for place, replica in enumerate(self.replicas):
            leak = self.leak + replica.build.release.leak
            if leak and now >= replica.ready_at:
                replica.memory += leak * step * (1.0 + 0.04 * (place % 3))
                if replica.memory >= 1.0:
                    self._restart(replica, replica.build, now)
                    self.killed += 1
        self.steady = self._strength(now)
        if not (self.leak or any(r.build.release.leak for r in self.replicas)):
            newest = max((r.ready_at for r in self.replicas), default=now)
            self.restless_until = max(newest + WARM_UP, now) + step
        return self.steady

    def stir(self) -> None:
        """Say that something has changed: what can serve is to be summed up anew."""
        self.restless_until = math.inf

    def _strength(self, now: float) -> Strength:
        total, serving = Strength(query=0.0, strain=0.0), 0
        for replica in self.replicas:
            if now < replica.ready_at:
                continue
            total.ready += 1
            if replica.hung:
                total.hung += 1
                continue
            serving += 1
            release, pressure = replica.build.release, pressed(replica.memory)
            warm = COLD if now < replica.ready_at + WARM_UP else 1.0
            strain = 1.0 + 12.0 * pressure * pressure
            total.capacity += warm / (release.cpu * strain)
            total.strain += strain * release.cpu
            total.slow += release.slow + 0.6 * pressure * pressure
            total.query += release.query
            total.pool += replica.build.pool
        if serving:
            total.strain /= serving
            total.slow /= serving
            total.query /= serving
        return total

    @property
    def memory(self) -> float:
        """The mean share of memory in use."""
        return sum(r.memory for r in self.replicas) / len(self.replicas) if self.replicas else 0.0

    def _replace_due(self, now: float) -> None:
        for at, replica, build in self.todo:
            if at <= now:
                self.stopped += 1
                self._restart(replica, build, now)
        self.todo = [entry for entry in self.todo if entry[0] > now]

    def _restart(self, replica: Replica, build: Build, now: float) -> None:
        replica.build, replica.memory = build, self.base_memory
        replica.ready_at, replica.hung = now + self.start_up, False


def pressed(memory: float) -> float:
    """Return 0 while memory is plenty, 1 at the limit."""
    return max(0.0, min(1.0, (memory - GC_FROM) / (1.0 - GC_FROM)))
