"""CPU and memory of containers over time: the engine tells only of now, so what it told is kept.

Whoever reads the workloads of an environment fills the log; `aiops serve` does each minute.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.domain.telemetry import Series, ServiceName, Signal, Window, Workload
from aiops_agent.ports.telemetry import Clock, Workloads

MOST = 24 * 60  # samples of a signal of a service: a day of one a minute
FRESH = timedelta(seconds=10)  # the engine is not asked again sooner: each look costs it a second
SOURCE = "docker"
_RUNNING = "running"


@dataclass
class UseLog:
    """What containers used of their limits, by service; kept while this process runs."""

    samples: dict[tuple[ServiceName, Signal], deque[tuple[datetime, float]]] = field(
        default_factory=dict
    )

    def note(self, at: datetime, found: Iterable[Workload]) -> None:
        """Keep what the running instances of each service use now, where they have limits."""
        running: dict[ServiceName, list[Workload]] = {}
        for one in found:
            if one.state == _RUNNING:
                running.setdefault(one.service, []).append(one)
        for service, own in running.items():
            cores = _shares((one.cpu_used, one.cpu_limit) for one in own)
            memory = _shares((one.memory_used, one.memory_limit) for one in own)
            self._keep(service, Signal.SATURATION, at, sum(cores) / len(cores) if cores else None)
            self._keep(service, Signal.MEMORY, at, max(memory, default=None))

    def _keep(
        self, service: ServiceName, signal: Signal, at: datetime, value: float | None
    ) -> None:
        if value is not None:
            kept = self.samples.setdefault((service, signal), deque(maxlen=MOST))
            if not kept or kept[-1][0] < at:
                kept.append((at, value))

    def series(self, service: ServiceName, signal: Signal, window: Window) -> Series | None:
        """Return what was kept of a signal inside the window; None when nothing was."""
        kept = self.samples.get((service, signal), ())
        inside = [(at, value) for at, value in kept if window.start <= at < window.end]
        if not inside:
            return None
        return Series(
            service=service,
            signal=signal,
            times=tuple(at for at, _ in inside),
            values=tuple(value for _, value in inside),
            source=SOURCE,
            query="docker stats",
        )


@dataclass
class DockerUse:
    """The Metrics port for CPU and memory as shares of what containers may use."""

    log: UseLog
    workloads: Workloads
    clock: Clock
    _looked: datetime | None = field(default=None, repr=False)

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        """Return what is known of CPU and memory, of now too. Raises SourceError."""
        wanted = [one for one in signals if one in (Signal.SATURATION, Signal.MEMORY)]
        now = self.clock.now()
        if not wanted or not services:
            return ()
        if window.end > now - FRESH and (self._looked is None or now - self._looked >= FRESH):
            self._looked = now
            await self.workloads.workloads(services)
        found = (self.log.series(one, signal, window) for one in services for signal in wanted)
        return tuple(one for one in found if one is not None)


def _shares(parts: Iterable[tuple[float | None, float | None]]) -> list[float]:
    """Return the share of each; none when one has no limit or is not measured."""
    known = list(parts)
    shares = [used / limit for used, limit in known if used is not None and limit]
    return shares if len(shares) == len(known) else []
