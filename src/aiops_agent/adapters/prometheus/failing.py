"""Which routes of a service fail, where a label of its metrics tells routes apart."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aiops_agent.adapters.prometheus.client import PrometheusClient, Sample
from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.mapping import SignalMap
from aiops_agent.adapters.prometheus.query import Binary, Number
from aiops_agent.adapters.prometheus.recipe import How
from aiops_agent.adapters.prometheus.routes import ROUTES
from aiops_agent.adapters.prometheus.signals import Source, failures_of_each, of_each
from aiops_agent.adapters.prometheus.telemetry import SOURCE
from aiops_agent.domain.telemetry import RouteErrors, ServiceName, Signal

_BUCKET = "_bucket"
# Scrape configurations write the port's or target's name into these: only a path is a route there.
_OF_TARGETS = ("endpoint", "target")


@dataclass(frozen=True)
class PrometheusRoutes:
    """The Routes port over one Prometheus."""

    client: PrometheusClient
    discovery: Discovery

    async def failing(
        self, service: ServiceName, at: datetime | None = None
    ) -> tuple[RouteErrors, ...]:
        """Return the routes that fail, those with most failures first. Raises SourceError."""
        for source in _counters(await self.discovery.signals(), service):
            if found := await self._failing(source, at):
                return found
        return ()

    async def _failing(self, source: Source, at: datetime | None) -> tuple[RouteErrors, ...]:
        failures = failures_of_each(source, ROUTES)
        if failures is None:
            return ()
        rates = _by_route(await self.client.instant(Binary(failures, ">", Number(0.0)), at))
        if not rates:
            return ()
        shares = Binary(of_each(source, ROUTES), ">", Number(0.0))
        share = _by_route(await self.client.instant(shares, at))
        total = sum(sum(values) for values in rates.values())
        found = (
            RouteErrors(
                route=route,
                share=min(max(share.get(route, [0.0])), 1.0),
                part=sum(values) / total,
                source=SOURCE,
                query=shares.render(),
            )
            for route, values in rates.items()
            if route
        )
        return tuple(sorted(found, key=lambda one: (-one.part, one.route)))


def _counters(known: SignalMap, service: ServiceName) -> Iterator[Source]:
    """Yield what counts failures, and the count of a histogram that tells more of each request."""
    errors = known.sources.get((service, Signal.ERRORS))
    if errors is None:
        return
    yield errors
    timed = known.sources.get((service, Signal.LATENCY))
    if errors.spec.how is How.BAD_SHARE and timed and timed.spec.metric.endswith(_BUCKET):
        counted = timed.spec.metric.removesuffix(_BUCKET) + "_count"
        where, never = timed.spec.where, timed.spec.never
        yield replace(timed, spec=replace(errors.spec, metric=counted, where=where, never=never))


def _by_route(samples: Sequence[Sample]) -> dict[str, list[float]]:
    """Return the values by route; "" stands for what has none."""
    found: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        told = (_route(label, sample.labels.get(label, "")) for label in ROUTES)
        if sample.value is not None:
            found[next(filter(None, told), "")].append(sample.value)
    return found


def _route(label: str, value: str) -> str:
    return "" if label in _OF_TARGETS and "/" not in value else value
