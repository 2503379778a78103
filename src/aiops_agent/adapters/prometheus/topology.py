"""Who calls whom: what runs, joined with service graphs in Prometheus and what people declared."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.domain.declaration import Declaration, Declarations
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import Objective, Service, ServiceGraph, ServiceKind, ServiceName
from aiops_agent.ports.telemetry import Topology

_Calls = Iterable[tuple[ServiceName, ServiceName]]


@dataclass(frozen=True)
class PrometheusTopology:
    """The Topology port. `base` tells what runs, where somebody else knows that better."""

    discovery: Discovery
    declared: Declarations = field(default_factory=dict)
    base: Topology | None = None

    async def graph(self) -> ServiceGraph:
        """Return services and calls; without Prometheus what the base knows. Raises SourceError."""
        base = await self.base.graph() if self.base else ServiceGraph(services=())
        try:
            found = await self.discovery.signals()
        except SourceError:
            if self.base is None:
                raise
            return joined(base, (), (), self.declared)
        return joined(base, found.names.services, found.calls, self.declared)


def joined(
    base: ServiceGraph, seen: Iterable[ServiceName], calls: _Calls, declared: Declarations
) -> ServiceGraph:
    """Return one graph; a callee that nobody runs is external, what is declared wins."""
    services = {service.name: service for service in base.services}
    services |= {name: Service(name=name) for name in [*seen, *declared] if name not in services}
    declared_calls = [(name, callee) for name, one in declared.items() for callee in one.calls]
    pairs = tuple(dict.fromkeys([*base.calls, *calls, *declared_calls]))
    for name in (end for pair in pairs for end in pair):
        services.setdefault(name, Service(name=name, kind=ServiceKind.EXTERNAL))
    described = (_described(one, declared.get(one.name)) for one in services.values())
    return ServiceGraph(services=tuple(described), calls=pairs)


def _described(service: Service, declared: Declaration | None) -> Service:
    if declared is None:
        return service
    return service.model_copy(
        update={
            "kind": declared.kind or service.kind,
            "owner": declared.owner or service.owner,
            "objective": Objective(
                latency=_first(declared.objective.latency, service.objective.latency),
                errors=_first(declared.objective.errors, service.objective.errors),
            ),
        }
    )


def _first(declared: float | None, known: float | None) -> float | None:
    return known if declared is None else declared
