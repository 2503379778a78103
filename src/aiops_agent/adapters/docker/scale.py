"""scale_pods in Docker: containers are cloned, or stopped and removed."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiops_agent.adapters.docker.client import path_of
from aiops_agent.adapters.docker.clone import Clone, clone, cloneable, connections, shared_mounts
from aiops_agent.adapters.docker.containers import (
    COMPOSE_SERVICE,
    NEVER,
    PROJECT,
    Inspected,
    Listed,
)
from aiops_agent.adapters.docker.payload import QUICK, ContainerChange, Held, Payload, Staying
from aiops_agent.adapters.docker.topology import service_kind
from aiops_agent.adapters.docker.way import Way
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.telemetry import ServiceKind
from aiops_agent.domain.text import shell

UNSAFE_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Upward:
    """More containers: copies of `source`, which stays as it is."""

    group: Sequence[Listed]  # every container of the service
    source: Inspected
    rights: Sequence[str]  # which the source has and a copy would have
    about: str  # what is to be said of the choice of the source
    image: str
    version: str  # the path's prefix

    def way(self, wished: int, operation: str) -> Way:
        """Return how to reach `wished` running containers. Raises PlatformError."""
        own = [one for one in self.group if one.id == self.source.id]
        kind = service_kind(own)
        if kind is not ServiceKind.APPLICATION:
            name = own[0].service
            raise PlatformError(f"{name} is a {kind}: a copied container would not share its data.")
        cloneable(self.source, wished)
        running = sum(one.running for one in self.group)
        first = max((one.number for one in self.group), default=0) + 1
        added = wished - running
        named = "-".join(part for part in (own[0].labels.get(PROJECT), own[0].service) if part)
        stem = UNSAFE_NAME.sub("-", named).strip("-.") or "service"
        payloads: list[Payload] = []
        names: list[str] = []
        for number in range(first, first + added):
            made = clone(
                self.source, image=self.image, operation=operation, number=number, stem=stem[:80]
            )
            payloads += self._requests(made, operation)
            names.append(made.name)
        words = f"{_containers(added, 'new ')} beside {running}; running ones are not touched"
        if mounts := shared_mounts(self.source):
            words += f"; they share the writable {', '.join(mounts)}"
        if self.rights:
            words += f"; each gets {'; '.join(self.rights)}"
        if self.about:
            words += f"; {self.about}"
        return Way(
            payloads=tuple(payloads),
            touched=added,
            interrupts=False,
            words=words,
            run=self._run(wished, added),
            rights=tuple(self.rights),
            undo=f"stop and remove {', '.join(names)} and nothing else",
        )

    def _requests(self, made: Clone, operation: str) -> list[Payload]:
        create = Payload(
            method="POST",
            path=f"{self.version}/containers/create?name={made.name}",
            body=made.body,
            held=Held(
                container=self.source.id,
                parts=tuple(sorted(made.held.values)),
                sha256=made.held.sha256,
            ),
            image_id=str(self.source.raw.get("Image", "")),
            effect=ContainerChange.CREATED,
            container=made.name,
            operation=operation,
        )
        connects = connections(made, self.version, operation)
        path = f"{self.version}{path_of('containers', made.name)}/start"
        start = Payload(
            method="POST",
            path=path,
            effect=ContainerChange.STARTED,
            container=made.name,
            started=NEVER,
            operation=operation,
        )
        return [create, *connects, start]

    def _run(self, wished: int, added: int) -> str:
        labels, service = self.source.raw["Config"].get("Labels") or {}, self.group[0].service
        copies = f"{_containers(added)} copied from {self.source.name}"
        if COMPOSE_SERVICE not in labels:
            return copies
        project = ["-p", labels[PROJECT]] if PROJECT in labels else []
        up = ["up", "-d", "--no-recreate", "--scale", f"{service}={wished}", service]
        return f"{shlex.join(['docker', 'compose', *project, *up])} (done as {copies})"


@dataclass(frozen=True)
class Downward:
    """Fewer containers: the newest are stopped. They stay, so that there is an exact way back."""

    running: Sequence[Listed]  # oldest first
    started: Mapping[str, str]  # by id
    version: str
    grace: timedelta

    def way(self, wished: int) -> Way:
        """Return how to reach `wished` running containers."""
        leaving = self.running[wished:][::-1]
        names = [one.name for one in leaving]
        count, seconds = len(leaving), round(self.grace.total_seconds())
        ids = tuple(one.id for one in leaving)
        staying = Staying(service=self.running[0].service, leaving=ids, least=wished)
        return Way(
            payloads=tuple(self._stop(one, seconds, staying) for one in leaving),
            touched=count,
            interrupts=bool(leaving),
            words=f"{_containers(count)} of {len(self.running)} stopped: {', '.join(names)}",
            run=shell("docker", "stop", "-t", str(seconds), *names) if leaving else "",
            undo=f"start {' and '.join(names)} again",
        )

    def _stop(self, leaving: Listed, seconds: int, staying: Staying) -> Payload:
        where = f"{self.version}{path_of('containers', leaving.id)}"
        return Payload(
            method="POST",
            path=f"{where}/stop?t={seconds}",
            timeout=self.grace + QUICK,
            effect=ContainerChange.STOPPED,
            container=leaving.id,
            started=self.started.get(leaving.id, ""),
            staying=staying,
        )


def _containers(count: int, adjective: str = "") -> str:
    return f"{count} {adjective}container{'' if count == 1 else 's'}"
