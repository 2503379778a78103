"""How the containers of a service are: state, limits, restarts, why one ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiops_agent.adapters.docker.containers import Containers, Inspected
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import ServiceName, Workload

_NANO = 1e9  # the engine counts billionths of a core


@dataclass(frozen=True)
class DockerWorkloads:
    """The Workloads port."""

    containers: Containers

    async def workloads(self, services: Sequence[ServiceName]) -> tuple[Workload, ...]:
        """Return the containers of these services, stopped ones too. Raises SourceError."""
        owners = {
            one.id: one.service for one in await self.containers.listed() if one.service in services
        }
        found = await self.containers.inspect_all(tuple(owners))
        try:
            return tuple(_workload(owners[one.id], one) for one in found)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SourceError("Docker described a container in a shape we cannot read.") from error


def _workload(service: ServiceName, one: Inspected) -> Workload:
    state, host = one.raw["State"], one.raw.get("HostConfig") or {}
    return Workload(
        service=service,
        name=one.name,
        state=one.status,
        reason="OOMKilled" if state.get("OOMKilled") else str(state.get("Error") or ""),
        # A container that runs has the exit code 0 of nothing.
        exit_code=None if one.running else state.get("ExitCode"),
        image=str((one.raw.get("Config") or {}).get("Image", "")),
        image_id=str(one.raw.get("Image", "")),
        restarts=one.raw.get("RestartCount"),
        cpu_limit=(host.get("NanoCpus") or 0) / _NANO or None,
        memory_limit=host.get("Memory") or None,
        node=str((one.raw.get("Node") or {}).get("Name", "")),
        started_at=one.started_at,
    )
