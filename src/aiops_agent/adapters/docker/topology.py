"""Which services run in Docker, on how many containers, and what they say they need."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiops_agent.adapters.docker.containers import PROJECT, Containers, Listed, whose
from aiops_agent.domain.images import kind_of
from aiops_agent.domain.survey import Instances
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceKind, ServiceName

CALLS = "aiops.calls"  # service names, parted by commas
OWNER = "aiops.owner"
KIND = "aiops.kind"
_DEPENDS = "com.docker.compose.depends_on"


@dataclass(frozen=True)
class DockerTopology:
    """The Topology port, and the roster of what runs under which names."""

    containers: Containers

    async def graph(self) -> ServiceGraph:
        """Return services with their running containers, and declared calls. Raises SourceError."""
        listed = await self.containers.listed()
        groups = _by_service(listed)
        services = tuple(_service(name, group) for name, group in groups.items())
        # What a container calls by name is of its own project first.
        meant = {(one.labels.get(PROJECT, ""), whose(one.labels)): one.service for one in listed}
        calls = [
            (name, meant.get((home, callee), callee))
            for name, group in groups.items()
            for home, callee in _callees(group)
        ]
        known = [(name, callee) for name, callee in calls if callee in groups]
        return ServiceGraph(services=services, calls=tuple(dict.fromkeys(known)))

    async def instances(self) -> tuple[Instances, ...]:
        """Return every service with the names of its running containers. Raises SourceError."""
        groups = _by_service(await self.containers.listed())
        return tuple(
            Instances(
                service=name, aliases=tuple(alias for one in group for alias in names_of(one))
            )
            for name, group in groups.items()
        )


def service_kind(group: Sequence[Listed]) -> ServiceKind:
    """Return what sort of service these containers are."""
    said = [one.labels[KIND] for one in group if KIND in one.labels]
    return kind_of(group[0].image, said)


def release_of(image: str, image_id: str) -> str:
    """Return what runs, in a short text: the image's name, or the start of its id."""
    return image if image and not image.startswith("sha256:") else image_id[7:19]


def _by_service(listed: Sequence[Listed]) -> dict[ServiceName, list[Listed]]:
    groups: dict[ServiceName, list[Listed]] = {}
    for one in listed:
        groups.setdefault(one.service, []).append(one)
    return dict(sorted(groups.items()))


def _service(name: ServiceName, group: Sequence[Listed]) -> Service:
    running = [one for one in group if one.running]
    newest = (running or group)[-1]
    return Service(
        name=name,
        kind=service_kind(group),
        owner=next((one.labels[OWNER] for one in group if OWNER in one.labels), ""),
        release=release_of(newest.image, newest.image_id),
        replicas=len(running),
    )


def _callees(group: Sequence[Listed]) -> list[tuple[str, ServiceName]]:
    """Return (project, name) of what the containers of a service say they need."""
    # compose writes "db:service_started:false,cache:service_healthy:false"
    label = CALLS if any(CALLS in one.labels for one in group) else _DEPENDS
    told = [(one.labels.get(PROJECT, ""), one.labels.get(label, "").split(",")) for one in group]
    names = [(home, name.partition(":")[0].strip()) for home, found in told for name in found]
    return [(home, ServiceName(name)) for home, name in names if name]


def names_of(container: Listed) -> list[str]:
    """Return every name by which a container may be known: its own, its ids, its addresses."""
    addresses = [
        str(network[key])
        for network in container.networks.values()
        for key in ("IPAddress", "GlobalIPv6Address")
        if container.present and network.get(key)
    ]
    return [container.name, container.id, container.id[:12], *addresses]
