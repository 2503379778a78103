"""One look at a cluster: what a watch keeps, else bounded lists of every kind that we may read."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.adapters.kubernetes import kinds
from aiops_agent.adapters.kubernetes.client import KubeClient, too_many
from aiops_agent.adapters.kubernetes.config_versions import ConfigVersions
from aiops_agent.adapters.kubernetes.follow import ClusterWatch
from aiops_agent.adapters.kubernetes.kinds import Kind
from aiops_agent.adapters.kubernetes.samples import Samples
from aiops_agent.adapters.kubernetes.state import ClusterState
from aiops_agent.adapters.kubernetes.trim import Trimmer
from aiops_agent.domain.errors import NotReadable, SourceError
from aiops_agent.domain.value import Document
from aiops_agent.ports.telemetry import Clock

FRESH = timedelta(seconds=3)  # of one screen: what runs, how it is and what is wrong read the same
FOLLOWED = timedelta(seconds=5)  # of a cluster that is followed: thousands of pods are worked out
_AT_ONCE = 4  # requests to one API server


@dataclass(frozen=True)
class Cluster:
    """Reads a cluster, or the namespaces of it that are named; everything in it is only read.

    While `watch` follows the cluster nothing is listed.
    """

    client: KubeClient
    clock: Clock
    namespaces: Sequence[str] = ()
    watch: ClusterWatch | None = None
    samples: Samples = field(default_factory=Samples, compare=False, repr=False)
    versions: ConfigVersions = field(default_factory=ConfigVersions, compare=False, repr=False)
    _kept: list[ClusterState] = field(default_factory=list, compare=False, repr=False)

    async def state(self) -> ClusterState:
        """Return all that may be read now, or was a moment ago. Raises SourceError.

        A kind that may not be read is named in `unreadable`; pods must be.
        """
        now = self.clock.now()
        fresh = FOLLOWED if self.watch is not None and self.watch.keeping else FRESH
        if self._kept and timedelta() <= now - self._kept[0].at < fresh:
            return self._kept[0]
        followed = await self.watch.state(now) if self.watch is not None else None
        read = await self._read(now) if followed is None else followed
        self._kept[:] = [read]
        self.samples.note(read)
        if followed is not None:  # one look alone tells of no change
            await self.versions.note(read, self.client)
        return read

    async def _read(self, now: datetime) -> ClusterState:
        turn = asyncio.Semaphore(_AT_ONCE)  # the API server: others ask it too
        trimmer = Trimmer()

        async def of(kind: Kind) -> tuple[list[Document], str]:
            homes = self.namespaces if kind.namespaced and self.namespaces else ("",)
            found, refused = list[Document](), ""
            async with turn:
                for home in homes:
                    try:
                        some = await self.client.first(kind, home)
                        found += [trimmer.trimmed(kind, one) for one in some.objects]
                        refused = too_many(kind, len(some.objects)) if some.more else refused
                    except NotReadable as error:
                        return [], str(error)
            return found, refused

        read = dict(zip(kinds.KINDS, await asyncio.gather(*map(of, kinds.KINDS)), strict=True))
        refused = {kind: why for kind, (_, why) in read.items() if why}
        objects = {kind: found for kind, (found, why) in read.items() if found or not why}
        if kinds.PODS not in objects:
            raise SourceError(refused[kinds.PODS])
        return ClusterState(now, objects, refused)
