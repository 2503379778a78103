"""rollback_release in Docker: copies on an older image take the places of what runs.

Compared is the image of the service and nothing else: containers that crash and start again, or
that compose made anew, are still the release that is to be left.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiops_agent.adapters.docker.client import path_of
from aiops_agent.adapters.docker.clone import Clone, clone, connections, shared_mounts
from aiops_agent.adapters.docker.containers import NEVER, PROJECT, Inspected, Listed
from aiops_agent.adapters.docker.payload import QUICK, ContainerChange, Held, Payload
from aiops_agent.adapters.docker.scale import UNSAFE_NAME
from aiops_agent.adapters.docker.topology import release_of, service_kind
from aiops_agent.adapters.docker.way import Way
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.telemetry import ServiceKind

_ENDED = "exited"


def present_release(group: Sequence[Listed]) -> tuple[Listed, ...]:
    """Return the containers of the image that most of a service runs, of two the newer one.

    What the engine keeps going counts; where nothing is, what has ended.
    """
    going = [one for one in group if one.present] or [one for one in group if one.state == _ENDED]
    if not going:
        return ()
    counts = Counter(one.image_id for one in going)
    newest = {one.image_id: one.created for one in going}  # oldest first: the last one stays
    image = max(counts, key=lambda name: (counts[name], newest[name]))
    return tuple(one for one in going if one.image_id == image)


@dataclass(frozen=True)
class Rollback:
    """Each of `leaving`, which run one image, gives its place to a copy of `source` on another."""

    group: Sequence[Listed]  # every container of the service
    leaving: Sequence[Listed]
    source: Inspected  # one of them, less what its image brings
    image: GoodRelease
    rights: Sequence[str]  # which the source has and a copy would have
    version: str  # the path's prefix
    grace: timedelta

    def way(self, operation: str) -> Way:
        """Return how each place is taken. Raises PlatformError where that cannot be taken back."""
        self._possible()
        first = max((one.number for one in self.group), default=0) + 1
        project = self.leaving[0].labels.get(PROJECT)
        named = "-".join(part for part in (project, self.leaving[0].service) if part)
        stem = UNSAFE_NAME.sub("-", named).strip("-.") or "service"
        payloads: list[Payload] = []
        made: list[str] = []
        for number, old in enumerate(self.leaving, start=first):
            copy = clone(
                self.source,
                image=self.image.image_id,
                operation=operation,
                number=number,
                stem=stem[:80],
            )
            payloads += self._requests(copy, old, operation)
            made.append(copy.name)
        names = ", ".join(one.name for one in self.leaving)
        return Way(
            payloads=tuple(payloads),
            touched=len(self.leaving),
            interrupts=True,
            words=self._words(),
            run=f"replace {names} by {', '.join(made)}, copies on {self.image.text}",
            rights=tuple(self.rights),
            undo=f"remove {', '.join(made)} and start {names} again, on {self._present}",
        )

    @property
    def _present(self) -> str:
        one = self.leaving[0]
        return release_of(one.image, one.image_id)

    def _possible(self) -> None:
        name, host = self.leaving[0].service, self.source.raw.get("HostConfig") or {}
        kind = service_kind(self.leaving)
        if kind is not ServiceKind.APPLICATION:
            raise PlatformError(
                f"{name} is a {kind}: an older release may not read the data of a newer one."
            )
        if host.get("AutoRemove"):
            raise PlatformError(
                f"{self.source.name} removes itself when it ends (--rm), so there would be no way "
                "back; roll back by hand."
            )
        if str(host.get("NetworkMode", "")).startswith("container:"):
            raise PlatformError(f"{self.source.name} has no network of its own; roll back by hand.")

    def _words(self) -> str:
        count = len(self.leaving)
        words = (
            f"{count} container{'' if count == 1 else 's'} on {self._present} stopped, one after "
            f"the other, and replaced by copies on {self.image.text}; requests in flight are cut"
        )
        others = [one.name for one in self.group if one.present and one not in self.leaving]
        if others:
            words += f"; {', '.join(others)} not touched"
        if mounts := shared_mounts(self.source):
            words += f"; they write to the same {', '.join(mounts)}"
        if self.rights:
            words += f"; each gets {'; '.join(self.rights)}"
        return words

    def _requests(  # limit: the requests of one place, in order
        self, made: Clone, old: Listed, operation: str
    ) -> list[Payload]:
        """Make the copy, stop the old one, which frees its ports, start the copy: one part."""
        parts, sha256 = tuple(sorted(made.held.values)), made.held.sha256
        held = Held(container=self.source.id, parts=parts, sha256=sha256, less=old.image_id)
        create = Payload(
            method="POST",
            path=f"{self.version}/containers/create?name={made.name}",
            body=made.body,
            held=held,
            image_id=self.image.image_id,
            effect=ContainerChange.CREATED,
            container=made.name,
            operation=operation,
            instead=old.id,
        )
        connects = connections(made, self.version, operation)
        seconds = round(self.grace.total_seconds())
        stop = Payload(
            method="POST",
            path=f"{self.version}{path_of('containers', old.id)}/stop?t={seconds}",
            timeout=self.grace + QUICK,
            effect=ContainerChange.STOPPED,
            container=old.id,
            part=made.name,
        )
        start = Payload(
            method="POST",
            path=f"{self.version}{path_of('containers', made.name)}/start",
            effect=ContainerChange.STARTED,
            container=made.name,
            started=NEVER,
            operation=operation,
        )
        # What has ended by itself need not be stopped, and is not started by taking back.
        return [create, *connects, *([stop] if old.present else []), start]
