"""What all hands on one cluster share: accounts, time, who depends on a target, and where."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.ports.release import Releases
from aiops_agent.ports.telemetry import Topology


@dataclass(frozen=True)
class Reach:
    """How far the hands reach. `releases` tells what ran well; `now` is wall time.

    Without `namespaces` all may be changed that the account may; of ConfigMaps only those named.
    """

    writes: Writes
    now: Callable[[], datetime]
    topology: Topology | None = None
    releases: Releases | None = None
    namespaces: Sequence[str] = field(default=())
    config_maps: Sequence[str] = field(default=())

    async def touched(self, service: ServiceName) -> tuple[ServiceName, ...]:
        """Return a service and who depends on it. Raises SourceError."""
        graph = await self.topology.graph() if self.topology else None
        return (service, *graph.upstream(service)) if graph else (service,)
