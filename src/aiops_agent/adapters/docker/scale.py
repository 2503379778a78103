"""scale_pods in Docker: containers are cloned, or stopped and removed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiops_agent.adapters.docker.client import path_of
from aiops_agent.adapters.docker.clone import Clone, clone, cloneable, secrets_of, shared_mounts
from aiops_agent.adapters.docker.containers import COMPOSE_SERVICE, PROJECT, Inspected, Listed
from aiops_agent.adapters.docker.payload import QUICK, ContainerChange, Payload
from aiops_agent.adapters.docker.topology import service_kind
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.telemetry import ServiceKind

_UNSAFE_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Way:
    """The requests, and their words."""

    payloads: tuple[Payload, ...]
    touched: int
    interrupts: bool
    words: str
    run: str
    undo: str = ""


@dataclass(frozen=True)
class Upward:
    """More containers: copies of `source`, which stays as it is."""

    group: Sequence[Listed]  # every container of the service
    source: Inspected
    image: str
    version: str  # the path's prefix

    def way(self, wished: int, operation: str) -> Way:
        """Return how to reach `wished` running containers. Raises PlatformError."""
        kind = service_kind(self.group)
        if kind is not ServiceKind.APPLICATION:
            name = self.group[0].service
            raise PlatformError(f"{name} is a {kind}: a copied container would not share its data.")
        cloneable(self.source)
        running = sum(one.running for one in self.group)
        first = max((one.number for one in self.group), default=0) + 1
        added = wished - running
        labels = self.group[0].labels
        named = "-".join(part for part in (labels.get(PROJECT), self.group[0].service) if part)
        stem = _UNSAFE_NAME.sub("-", named).strip("-.") or "service"
        payloads: list[Payload] = []
        for number in range(first, first + added):
            made = clone(
                self.source, image=self.image, operation=operation, number=number, stem=stem[:80]
            )
            payloads += self._requests(made, operation)
        words = f"{_containers(added, 'new ')} beside {running}; running ones are not touched"
        if mounts := shared_mounts(self.source):
            words += f"; they share the writable {', '.join(mounts)}"
        return Way(
            payloads=tuple(payloads),
            touched=added,
            interrupts=False,
            words=words,
            run=self._run(wished, added),
            undo=f"stop and remove the {_containers(added, 'new ')}, back to {running}",
        )

    def _requests(self, made: Clone, operation: str) -> list[Payload]:
        create = Payload(
            method="POST",
            path=f"{self.version}/containers/create?name={made.name}",
            body=made.body,
            environment=secrets_of(self.source),
            effect=ContainerChange.CREATED,
            container=made.name,
            operation=operation,
        )
        connects = [
            Payload(
                method="POST",
                path=f"{self.version}{path_of('networks', network)}/connect",
                body={"Container": made.name, "EndpointConfig": endpoint},
                effect=ContainerChange.CONNECTED,
                container=made.name,
                network=network,
            )
            for network, endpoint in made.networks.items()
        ]
        path = f"{self.version}{path_of('containers', made.name)}/start"
        start = Payload(
            method="POST", path=path, effect=ContainerChange.STARTED, container=made.name
        )
        return [create, *connects, start]

    def _run(self, wished: int, added: int) -> str:
        labels, service = self.group[0].labels, self.group[0].service
        copies = f"{_containers(added)} copied from {self.source.name}"
        if COMPOSE_SERVICE not in labels:
            return copies
        project = f" -p {labels[PROJECT]}" if PROJECT in labels else ""
        scale = f"docker compose{project} up -d --no-recreate --scale {service}={wished} {service}"
        return f"{scale} (done as {copies})"


@dataclass(frozen=True)
class Downward:
    """Fewer containers: those that we made go first, then the newest."""

    group: Sequence[Listed]  # every container of the service, oldest first
    version: str
    grace: timedelta

    def way(self, wished: int) -> Way:
        """Return how to reach `wished` running containers; our own that do not run go too."""
        running = [one for one in self.group if one.running]
        order = sorted(running, key=lambda one: (one.ours, one.created, one.number))
        surplus = order[wished:][::-1]
        failed = [one for one in self.group if one.ours and not one.running]
        goners = [*failed, *surplus]
        payloads = [payload for one in goners for payload in self._requests(one)]
        return Way(
            payloads=tuple(payloads),
            touched=len(goners),
            interrupts=bool(surplus),
            words=f"{_containers(len(goners))} of {len(running)} stopped and removed",
            run="; ".join(f"docker stop {one.name} && docker rm {one.name}" for one in goners),
            undo=f"copy {_containers(len(surplus))} again, back to {len(running)}",
        )

    def _requests(self, goner: Listed) -> list[Payload]:
        where = f"{self.version}{path_of('containers', goner.id)}"
        stop = Payload(
            method="POST",
            path=f"{where}/stop?t={round(self.grace.total_seconds())}",
            timeout=self.grace + QUICK,
            effect=ContainerChange.STOPPED,
            container=goner.id,
        )
        path = f"{where}?force=1" + ("&v=1" if goner.ours else "")
        remove = Payload(
            method="DELETE", path=path, effect=ContainerChange.REMOVED, container=goner.id
        )
        return [stop, remove] if goner.running else [remove]


def _containers(count: int, adjective: str = "") -> str:
    return f"{count} {adjective}container{'' if count == 1 else 's'}"
