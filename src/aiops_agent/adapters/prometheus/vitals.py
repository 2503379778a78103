"""How the single instances of a service are, read from Prometheus."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiops_agent.adapters.prometheus.client import PrometheusClient, Sample
from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.names import REPLICA, spellings
from aiops_agent.adapters.prometheus.query import Select, among
from aiops_agent.adapters.prometheus.signals import of_each
from aiops_agent.domain.telemetry import ServiceName, Signal, Vital

_ASKED = (Signal.LATENCY, Signal.TRAFFIC, Signal.ERRORS)


@dataclass(frozen=True)
class PrometheusVitals:
    """The Vitals port over one Prometheus."""

    client: PrometheusClient
    discovery: Discovery

    async def vitals(self, service: ServiceName) -> tuple[Vital, ...]:
        """Return latency, traffic, errors and whether it answers, of each instance."""
        known = (await self.discovery.signals()).sources
        sources = [source for signal in _ASKED if (source := known.get((service, signal)))]
        found: list[Vital] = []
        for source in sources:
            samples = await self.client.instant(of_each(source, REPLICA))
            found += _vitals(source.signal, samples)
        marks = {(source.label, source.values) for source in sources if source.label}
        for label, values in sorted(marks):
            samples = await self.client.instant(Select("up", (among(label, values),)))
            found += _vitals(Signal.REPLICAS, samples)
        return tuple(dict.fromkeys(found))


def _vitals(signal: Signal, samples: Sequence[Sample]) -> Iterator[Vital]:
    for sample in samples:
        named = (sample.labels[label] for label in REPLICA if sample.labels.get(label))
        names = dict.fromkeys(spelling for value in named for spelling in spellings(value.lower()))
        if sample.value is not None:  # what got no request has no latency
            yield Vital(names=tuple(names), signal=signal, value=sample.value)
