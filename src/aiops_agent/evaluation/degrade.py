"""Telemetry as it is elsewhere: parts are missing, samples are rare, values are noisy.

What is lost is drawn from a seed and stays lost for the whole incident.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from random import Random
from typing import TypeVar
from zlib import crc32

import numpy as np
import numpy.typing as npt

from aiops_agent.adapters.off import Absent
from aiops_agent.domain.telemetry import (
    Change,
    LogLine,
    Series,
    ServiceGraph,
    ServiceName,
    Signal,
    Window,
)
from aiops_agent.ports.telemetry import Changes, Environment, Logs, Metrics, Topology

Told = TypeVar("Told", LogLine, Change)

KEPT = (Signal.LATENCY, Signal.ERRORS)  # what most services measure, whatever else they lack
SHARE_BLIND = 0.4  # of services, of which one signal is not measured
SHARE_DARK = 0.5  # of services, of which nothing is measured: never the one that alerts
SHARE_UNKNOWN = 0.4  # of calls between services, which the graph lacks
NOISE = 0.15  # standard deviation, as a share of the value
EVERY = 4  # samples of which one is kept
SHARE_DROPPED = 0.3  # of samples, each series by itself
LOUDER = 3.0  # times the noise that the shop's own measuring has
# Standard deviations of that noise, as shares of the value: what History draws.
OWN_NOISE = {
    Signal.LATENCY: 0.05,
    Signal.TRAFFIC: 0.012,
    Signal.ERRORS: 0.03,
    Signal.SATURATION: 0.03,
    Signal.MEMORY: 0.004,
}
CLOCK_OFF = 30.0  # seconds, at most, by which a service's clock is early or late
# What a busy neighbour takes of the machine, and what that does to the time of an answer: it can be
# seen, and nobody suffers from it.
NEIGHBOUR_TAKES, NEIGHBOUR_SLOWS = 0.7, 1.15
SHARE_NEIGHBOURS = 0.15  # of services, two of the shop's on average
NEIGHBOUR_EARLIER = timedelta(minutes=4)  # than the alert: when the trouble begins, about
SAMPLES = 4096  # draws of a series before they come again: more than a day of samples
TICK = 15  # seconds between two samples of the shop


class Loss(StrEnum):
    """What telemetry may lack."""

    LOGS = "no logs"
    CHANGES = "no changes"
    SIGNALS = "a signal is missing at some services"
    SATURATION = "saturation is measured nowhere"
    RARE = "samples are rare"
    NOISE = "values are noisy"
    CALLS = "some calls are unknown"
    SERVICES = "some services are not measured at all"
    DROPPED = "a third of the samples is missing"
    LOUD = "noise is three times as large"
    CLOCKS = "clocks are up to 30 s wrong"
    GRAPH = "no call is known"
    NEIGHBOUR = "somebody else's work keeps a service's machine busy"


DRAWN = tuple(Loss)[:8]  # what the benchmark of the crew draws from


def losses(seed: int) -> tuple[Loss, ...]:
    """Draw three to five losses."""
    dice = Random(f"losses {seed}")  # noqa: S311 -- a benchmark, no secret
    return tuple(sorted(dice.sample(DRAWN, dice.choice((3, 4, 5)))))


def degraded(
    environment: Environment,
    lost: Sequence[Loss],
    seed: int,
    alerting: ServiceName,
    since: datetime | None = None,
) -> Environment:
    """Return the same environment, seen through telemetry that lacks these.

    `since` is when the alert fires: a busy neighbour needs it.
    """
    all_lost = frozenset(lost)
    seen = environment
    if Loss.CLOCKS in all_lost:
        logs, changes = _RedatedLogs(seen.logs, seed), _RedatedChanges(seen.changes, seed)
        seen = replace(seen, logs=logs, changes=changes)
    return replace(
        seen,
        metrics=_Metrics(seen.metrics, all_lost, seed, alerting, since),
        topology=_Topology(seen.topology, all_lost, seed),
        logs=Absent("Logs are not collected here.") if Loss.LOGS in lost else seen.logs,
        changes=Absent("Changes are not collected here.") if Loss.CHANGES in lost else seen.changes,
    )


def clock_off(seed: int, service: str) -> timedelta:
    """Return by how much a service's clock is late; drawn once for all that it says."""
    dice = Random(f"{seed} {service} clock")  # noqa: S311 -- a benchmark
    return timedelta(seconds=dice.uniform(-CLOCK_OFF, CLOCK_OFF))


@dataclass(frozen=True)
class _Metrics:
    inner: Metrics
    lost: frozenset[Loss]
    seed: int
    alerting: ServiceName
    since: datetime | None

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        found = await self.inner.read(services, signals, window)
        kept = (self._worse(one) for one in found if not self._blind(one))
        return tuple(self._dated(one, window) for one in kept)

    def _dated(self, one: Series, window: Window) -> Series:
        """Return it with the times of the service's own clock, and what those put in the window."""
        if Loss.CLOCKS not in self.lost:
            return one
        off = clock_off(self.seed, one.service)
        kept = [(at + off, v) for at, v in zip(one.times, one.values, strict=True)]
        kept = [(at, value) for at, value in kept if window.start <= at < window.end]
        return _with(one, kept)

    def _blind(self, one: Series) -> bool:
        if Loss.SERVICES in self.lost and self._dark(one.service):
            return True
        if one.signal in KEPT:
            return False
        if Loss.SATURATION in self.lost and one.signal is Signal.SATURATION:
            return True
        return Loss.SIGNALS in self.lost and self._dice(one).random() < SHARE_BLIND

    def _dark(self, service: ServiceName) -> bool:
        dice = Random(f"{self.seed} {service} dark")  # noqa: S311 -- a benchmark
        return service != self.alerting and dice.random() < SHARE_DARK

    def _worse(self, one: Series) -> Series:
        times, values = one.times, one.values
        if Loss.RARE in self.lost:
            # By the clock, not by place: a later window has the same samples.
            kept = [i for i, at in enumerate(times) if int(at.timestamp()) // 15 % EVERY == 0]
            times, values = tuple(times[i] for i in kept), tuple(values[i] for i in kept)
        if Loss.NOISE in self.lost:
            values = tuple(
                value and max(0.0, value * self._dice(one, at.timestamp()).gauss(1.0, NOISE))
                for at, value in zip(times, values, strict=True)
            )
        if Loss.LOUD in self.lost and one.signal in OWN_NOISE:
            more = OWN_NOISE[one.signal] * (LOUDER**2 - 1.0) ** 0.5  # variances add up
            draws = _draws(self.seed, "loud", one.service, one.signal)
            values = tuple(
                value and max(0.0, value * (1.0 + more * draws[_tick(at)]))
                for at, value in zip(times, values, strict=True)
            )
        if Loss.NEIGHBOUR in self.lost and self._beside(one.service):
            values = tuple(map(self._taken, [one.signal] * len(times), times, values))
        if Loss.DROPPED in self.lost:
            lot = _draws(self.seed, "dropped", one.service, one.signal)
            limit = float(np.quantile(lot, SHARE_DROPPED))
            samples = zip(times, values, strict=True)
            return _with(one, [(at, value) for at, value in samples if lot[_tick(at)] > limit])
        return one.model_copy(update={"times": times, "values": values})

    def _beside(self, service: ServiceName) -> bool:
        """Whether this service's machine is shared; never that of the one that alerts."""
        dice = Random(f"{self.seed} {service} neighbour")  # noqa: S311 -- a benchmark
        return service != self.alerting and dice.random() < SHARE_NEIGHBOURS

    def _taken(self, signal: Signal, at: datetime, value: float | None) -> float | None:
        if value is None or self.since is None or at < self.since - NEIGHBOUR_EARLIER:
            return value
        if signal is Signal.SATURATION:
            return value + (1.0 - value) * NEIGHBOUR_TAKES
        return value * NEIGHBOUR_SLOWS if signal is Signal.LATENCY else value

    def _dice(self, one: Series, at: float = 0.0) -> Random:
        return Random(f"{self.seed} {one.service} {one.signal} {at}")  # noqa: S311 -- a benchmark


def _with(one: Series, samples: Sequence[tuple[datetime, float | None]]) -> Series:
    times, values = tuple(at for at, _ in samples), tuple(value for _, value in samples)
    return one.model_copy(update={"times": times, "values": values})


def _tick(at: datetime) -> int:
    return round(at.timestamp()) // TICK % SAMPLES


@lru_cache(maxsize=512)
def _draws(seed: int, what: str, service: str, signal: str) -> npt.NDArray[np.float64]:
    """Return the standard normal draws of a series; a sample's place is its time's."""
    key = (seed, *(crc32(text.encode()) for text in (what, service, signal)))
    return np.random.default_rng(key).standard_normal(SAMPLES)


@dataclass(frozen=True)
class _RedatedLogs:
    inner: Logs
    seed: int

    async def lines(self, services: Sequence[ServiceName], window: Window) -> tuple[LogLine, ...]:
        return _redated(self.seed, await self.inner.lines(services, _wider(window)), window)


@dataclass(frozen=True)
class _RedatedChanges:
    inner: Changes
    seed: int

    async def changes(self, window: Window) -> tuple[Change, ...]:
        return _redated(self.seed, await self.inner.changes(_wider(window)), window)


def _wider(window: Window) -> Window:
    return Window(start=window.start - timedelta(seconds=CLOCK_OFF), end=window.end)


def _redated(seed: int, found: Sequence[Told], window: Window) -> tuple[Told, ...]:
    """Return lines or changes with the times of each service's own clock."""
    told = (one.model_copy(update={"at": one.at + clock_off(seed, one.service)}) for one in found)
    return tuple(
        sorted((one for one in told if window.start <= one.at < window.end), key=lambda one: one.at)
    )


@dataclass(frozen=True)
class _Topology:
    inner: Topology
    lost: frozenset[Loss]
    seed: int

    async def graph(self) -> ServiceGraph:
        graph = await self.inner.graph()
        if Loss.GRAPH in self.lost:
            return ServiceGraph(services=graph.services)
        if Loss.CALLS not in self.lost:
            return graph
        dice = Random(f"{self.seed} calls")  # noqa: S311 -- a benchmark
        known = tuple(call for call in graph.calls if dice.random() >= SHARE_UNKNOWN)
        return ServiceGraph(services=graph.services, calls=known)
