"""Remembers which images of services ran well, so that a rollback has somewhere to go.

Each look judges the time behind it by telemetry alone; nothing is counted in memory, so a process
that starts knows as much as the one before it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.telemetry import Series, ServiceName, Signal, Window, Workload
from aiops_agent.workflow.deps import Deps

LOOK_SECONDS = 60.0  # an image is good after ten of these
WELL = timedelta(minutes=10)  # an image that ran well for so long, with traffic, is a good one
AGAIN = timedelta(hours=1)  # between two notes of the same image
_LEAST = 2 / 3  # of the samples of that time must be there
_RUNNING, _ILL = "running", ("unhealthy", "starting")


@dataclass
class ReleaseWatch:
    """One environment whose releases are images."""

    deps: Deps
    environment: EnvironmentRef
    _noted: dict[tuple[ServiceName, str], datetime] = field(default_factory=dict)

    async def look(self) -> int:
        """Note the images that run well; return how many. Raises StoreError.

        What cannot be read is not seen to run well, and is no trouble of this loop.
        """
        at = self.deps.environments(self.environment).clock.now()
        try:
            well = await self._well(at)
        except SourceError:
            return 0
        return await asyncio.to_thread(self._note, well, at)

    async def _well(self, at: datetime) -> list[Workload]:
        """Return an instance of each service that ran well on one image, and is due."""
        place = self.deps.environments(self.environment)
        services = tuple(one.name for one in (await place.topology.graph()).services)
        running = await place.workloads.workloads(services)
        images = {name: image_of(running, name, at) for name in services}
        due = {
            name: one
            for name, one in images.items()
            if one and at - self._noted.get((name, one.image_id), at - AGAIN) >= AGAIN
        }
        if not due:
            return []
        window = Window(start=at - WELL, end=at)
        read = await place.metrics.read(tuple(due), (Signal.TRAFFIC, Signal.ERRORS), window)
        most = self.deps.terms.pace.harm.errors
        return [one for name, one in due.items() if served_well(read, name, most)]

    def _note(self, found: Sequence[Workload], at: datetime) -> int:
        with self.deps.store.read() as view:
            ill = view.incidents.loaded(environment=self.environment, open_only=True)
        troubled = {name for incident in ill for name in incident.affected}
        calm = [one for one in found if one.service not in troubled]
        if not calm:
            return 0
        with self.deps.store.begin() as work:
            for one in calm:
                seen = GoodRelease(
                    service=one.service, image_id=one.image_id, image=one.image, seen=at
                )
                work.releases.put(self.environment, seen)
        self._noted |= {(one.service, one.image_id): at for one in calm}
        return len(calm)


def image_of(running: Sequence[Workload], service: ServiceName, at: datetime) -> Workload | None:
    """Return an instance of a service all of which ran one image, undisturbed, for WELL."""
    own = [one for one in running if one.service == service and one.wanted]
    steady = all(
        one.state == _RUNNING
        and one.health not in _ILL
        and one.started_at is not None
        and at - one.started_at >= WELL
        for one in own
    )
    images = {one.image_id for one in own}
    return own[0] if own and steady and len(images) == 1 and "" not in images else None


def served_well(read: Sequence[Series], service: ServiceName, most: float) -> bool:
    """Whether requests came most of the time that was read, and at most such a share failed."""
    own = [one for one in read if one.service == service]
    traffic = [value for one in own if one.signal is Signal.TRAFFIC for value in one.values]
    errors = [value for one in own if one.signal is Signal.ERRORS for value in one.values]
    busy = [value for value in traffic if value]
    failing = [value for value in errors if value is not None and value > most]
    return bool(traffic) and len(busy) >= _LEAST * len(traffic) and not failing
