"""A cluster as a kept state: each kind is listed once, then followed from the version of that list.

Any end of a watch that is not its own (410, a broken connection, a line that is not understood)
lists the kind again. What is not heard of is said to be unknown, never taken as it was.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from aiops_agent.adapters.kubernetes import kinds
from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.kept import KeptKind, together
from aiops_agent.adapters.kubernetes.state import ClusterState
from aiops_agent.adapters.kubernetes.trim import Trimmer
from aiops_agent.domain.errors import NotReadable, SourceError

LASTS = 120.0  # seconds of one watch: a server that hangs is found out then
LATE = 15.0  # seconds more, after which a watch that has not ended is given up
HOLDS = 10.0  # seconds for which what was known when a watch broke still counts
CALM = 30.0  # seconds of a watch, after which it was not broken from the start
AGAIN = 60.0  # seconds between two tries of what we have no right to
LONGEST_PAUSE = 60.0  # seconds between two tries of what fails
_AT_ONCE = 4  # lists from one API server
_STEP = 0.05  # seconds between two looks whether all kinds were listed


@dataclass
class ClusterWatch:
    """Follows all kinds (in these namespaces); `clock` is monotonic, in seconds.

    Readers may be in other threads than the loop that follows.
    """

    client: KubeClient
    namespaces: Sequence[str] = ()
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep
    lasts: float = LASTS
    late: float = LATE
    parts: tuple[KeptKind, ...] = ()
    # The API server: so many lists at once.
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    keeping: bool = False  # somebody follows it
    _changes: int = 0  # so far
    _told: tuple[int, object, ClusterState] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)  # readers are in other threads

    async def keep(self, alive: Callable[[], None]) -> None:
        """Follow the cluster until cancelled; `alive` is called whenever a list was read."""
        trimmer, homes = Trimmer(), tuple(self.namespaces) or ("",)
        self.parts = tuple(
            KeptKind(kind, home, trimmer)
            for kind in kinds.KINDS
            for home in (homes if kind.namespaced else ("",))
        )
        # Of many namespaces each watch lasts longer: at rest all cost one request in two seconds.
        lasts = self.lasts * max(1.0, len(self.parts) / 60.0)
        self.turn = asyncio.Semaphore(_AT_ONCE)  # as above, of the loop that runs now
        self.keeping = True
        try:
            async with asyncio.TaskGroup() as group:
                for place, part in enumerate(self.parts):
                    # Apart from each other, so that they do not all begin anew at one moment.
                    own = lasts * (1.0 + place / (4.0 * len(self.parts)))
                    group.create_task(_Following(self, part, own, alive).run())
        finally:
            self.keeping, self.parts, self._told = False, (), None

    async def state(self, at: datetime) -> ClusterState | None:
        """Return the cluster as it stands; None while nobody follows it. Raises SourceError.

        Until all kinds were listed for the first time it waits, as long as for one answer.
        """
        for _ in range(max(1, round(self.client.timeout.total_seconds() / _STEP))):
            if not self.keeping:
                return None
            if all(part.tried for part in self.parts):
                return self._stands(at)
            await asyncio.sleep(_STEP)
        return None

    def change(self, change: Callable[[], object]) -> None:
        """Change a part while nobody reads; `change` returns False when nothing is different."""
        with self._lock:
            self._changes += change() is not False

    def _stands(self, at: datetime) -> ClusterState:
        with self._lock:
            objects, refused = together(self.parts, self.clock())
            if kinds.PODS not in objects:
                raise SourceError(refused[kinds.PODS])
            was = self._told
            if was is not None and was[:2] == (self._changes, refused):
                return was[2].later(at)
            found = ClusterState(at, objects, refused)
            found = found.like(was[2]) if was is not None else found
            self._told = (self._changes, refused, found)
            return found


@dataclass
class _Following:
    """Follows one kind for ever."""

    of: ClusterWatch
    part: KeptKind
    lasts: float
    alive: Callable[[], None]
    failures: int = 0

    async def run(self) -> None:
        """List, follow, and begin anew whenever that ends."""
        while True:
            if not await self._listed():
                continue
            began = self.of.clock()
            try:
                await self._followed()
                while not self.part.more:  # a list that was cut off is read anew now and then
                    await self._followed()
            except NotReadable:  # it may be listed, and not watched
                self._counts(AGAIN + self.of.late)
                await self.of.pause(AGAIN)
            except SourceError as error:
                self.part.broken = str(error)
                self._counts(HOLDS)
                self.failures = 0 if self.of.clock() - began > CALM else self.failures + 1
                await self._wait(self.failures - 1)

    async def _listed(self) -> bool:
        try:
            async with self.of.turn:
                found = await self.of.client.first(self.part.kind, self.part.home)
        except SourceError as error:
            why = str(error)
            self.of.change(lambda: self.part.lost(why))
            if isinstance(error, NotReadable):
                await self.of.pause(AGAIN)
            else:
                self.failures += 1
                await self._wait(self.failures)
            return False
        self.of.change(lambda: self.part.listed(found))
        self._counts(self.lasts + self.of.late)
        self.alive()
        return True

    async def _followed(self) -> None:
        """Take news until the watch ends in its time; any other end raises SourceError."""
        part, began = self.part, self.of.clock()
        within = timedelta(seconds=self.lasts)
        news = self.of.client.follow(part.kind, part.home, part.version, within)
        try:
            async with asyncio.timeout(self.lasts + self.of.late), aclosing(news) as lines:
                async for line in lines:
                    self.of.change(partial(part.take, line))
                    self._counts(self.lasts + self.of.late)
        except TimeoutError as error:
            plural = part.kind.plural
            raise SourceError(f"Kubernetes' watch of {plural} did not end in time.") from error
        if self.of.clock() - began < min(CALM, self.lasts / 2):
            raise SourceError(f"Kubernetes ended the watch of {part.kind.plural} at once.")
        self._counts(self.lasts + self.of.late)

    def _counts(self, seconds: float) -> None:
        self.part.until = self.of.clock() + seconds

    async def _wait(self, failures: int) -> None:
        await self.of.pause(min(2.0 ** (failures - 1), LONGEST_PAUSE) if failures > 0 else 0.0)
