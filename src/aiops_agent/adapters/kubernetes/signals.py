"""The Metrics port for what a cluster knows by itself: replicas that are ready, and restarts."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.domain.telemetry import Series, ServiceName, Signal, Window

OWN = (Signal.REPLICAS, Signal.RESTARTS)


@dataclass(frozen=True)
class KubernetesSignals:
    """Tells them where no metric does."""

    cluster: Cluster

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        """Return what was seen of replicas and restarts, of now too. Raises SourceError."""
        wanted = [one for one in signals if one in OWN]
        if not wanted or not services:
            return ()
        await self.cluster.state()
        samples = self.cluster.samples
        found = (samples.series(one, signal, window) for one in services for signal in wanted)
        return tuple(one for one in found if one is not None)
