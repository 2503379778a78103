"""Telemetry as it is elsewhere: parts are missing, samples are rare, values are noisy.

What is lost is drawn from a seed and stays lost for the whole incident.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from aiops_agent.adapters.off import Absent
from aiops_agent.domain.telemetry import (
    Series,
    ServiceGraph,
    ServiceName,
    Signal,
    Window,
)
from aiops_agent.ports.telemetry import Environment, Metrics, Topology

KEPT = (Signal.LATENCY, Signal.ERRORS)  # what most services measure, whatever else they lack
SHARE_BLIND = 0.4  # of services, of which one signal is not measured
SHARE_DARK = 0.5  # of services, of which nothing is measured: never the one that alerts
SHARE_UNKNOWN = 0.4  # of calls between services, which the graph lacks
NOISE = 0.15  # standard deviation, as a share of the value
EVERY = 4  # samples of which one is kept


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


def losses(seed: int) -> tuple[Loss, ...]:
    """Draw three to five losses."""
    dice = Random(f"losses {seed}")  # noqa: S311 -- a benchmark, no secret
    return tuple(sorted(dice.sample(tuple(Loss), dice.choice((3, 4, 5)))))


def degraded(
    environment: Environment, lost: Sequence[Loss], seed: int, alerting: ServiceName
) -> Environment:
    """Return the same environment, seen through telemetry that lacks these."""
    return replace(
        environment,
        metrics=_Metrics(environment.metrics, frozenset(lost), seed, alerting),
        topology=_Topology(environment.topology, frozenset(lost), seed),
        logs=Absent("Logs are not collected here.") if Loss.LOGS in lost else environment.logs,
        changes=Absent("Changes are not collected here.")
        if Loss.CHANGES in lost
        else environment.changes,
    )


@dataclass(frozen=True)
class _Metrics:
    inner: Metrics
    lost: frozenset[Loss]
    seed: int
    alerting: ServiceName

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        found = await self.inner.read(services, signals, window)
        return tuple(self._worse(one) for one in found if not self._blind(one))

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
        return one.model_copy(update={"times": times, "values": values})

    def _dice(self, one: Series, at: float = 0.0) -> Random:
        return Random(f"{self.seed} {one.service} {one.signal} {at}")  # noqa: S311 -- a benchmark


@dataclass(frozen=True)
class _Topology:
    inner: Topology
    lost: frozenset[Loss]
    seed: int

    async def graph(self) -> ServiceGraph:
        graph = await self.inner.graph()
        if Loss.CALLS not in self.lost:
            return graph
        dice = Random(f"{self.seed} calls")  # noqa: S311 -- a benchmark
        known = tuple(call for call in graph.calls if dice.random() >= SHARE_UNKNOWN)
        return graph.model_copy(update={"calls": known})
