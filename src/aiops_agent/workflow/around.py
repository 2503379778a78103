"""What is around an alert: the services, who calls whom, and the rules; asked once for many."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from aiops_agent.correlate import kin
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import AlertRule, ServiceGraph, ServiceName
from aiops_agent.ports.telemetry import Rules, Topology

log = logging.getLogger(__name__)


async def read_graph(topology: Topology) -> ServiceGraph:
    """Return who calls whom; the names in the labels have to do when that cannot be seen."""
    try:
        return await topology.graph()
    except SourceError:
        return ServiceGraph(services=())
    except Exception:  # border: a vendor's own defect holds up no alert
        log.exception("topology cannot be read")
        return ServiceGraph(services=())


async def read_rules(rules: Rules) -> tuple[AlertRule, ...]:
    """Return the rules, which say what an alert measures; its own link has to do without them."""
    try:
        return await rules.rules()
    except SourceError:
        return ()
    except Exception:  # border: a vendor's own defect holds up no alert
        log.exception("rules cannot be read")
        return ()


@dataclass
class Around:
    """Who calls whom, asked once for each service: a body may name thousands."""

    graph: ServiceGraph
    listed: tuple[AlertRule, ...] = ()
    _kin: dict[ServiceName, frozenset[ServiceName]] = field(default_factory=dict)
    _depth: dict[ServiceName, int] = field(default_factory=dict)

    @cached_property
    def rules(self) -> Mapping[str, tuple[AlertRule, ...]]:
        """The rules by name."""
        found: dict[str, list[AlertRule]] = {}
        for one in self.listed:
            found.setdefault(one.name, []).append(one)
        return {name: tuple(rules) for name, rules in found.items()}

    @cached_property
    def names(self) -> tuple[ServiceName, ...]:
        """All known services."""
        return self.graph.names

    def kin(self, service: ServiceName) -> frozenset[ServiceName]:
        """Return whose trouble may have the same cause."""
        if service not in self._kin:
            self._kin[service] = kin(service, self.graph)
        return self._kin[service]

    def depth(self, service: ServiceName) -> int:
        """Return how many services need this one: trouble travels from callee to caller."""
        if service not in self._depth:
            self._depth[service] = len(self.graph.upstream(service))
        return self._depth[service]
