"""Watches without an alert rule: golden signals worse than usual, what a platform says is wrong.

It is listed, or opened. What opens an incident is an alert of ours in the same inbox, written with
the count of the day in one transaction; so an alert of a sender joins it, and a restart opens
nothing twice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import ServiceGraph
from aiops_agent.domain.watch import WatchMode, WatchRecord
from aiops_agent.ports.telemetry import Environment
from aiops_agent.reasoning.lookout import Glance, Lookout
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.loops import LoopName
from aiops_agent.workflow.watch_look import PlatformSaid, WatchLook

LOOK_SECONDS = 30.0  # what hurts for a minute and a half is told within two
WRITTEN = timedelta(minutes=5)  # between two records in which nothing changed


@dataclass
class SignalWatch:
    """Looks at the signals of one environment (`mode`), and at what its platform says (`platform`).

    Only who leads runs it.
    """

    deps: Deps
    environment: EnvironmentRef
    mode: WatchMode
    heard: Callable[[], None] = lambda: None  # called after an alert was put into the inbox
    platform: WatchMode = WatchMode.NONE
    loop: ClassVar[LoopName] = LoopName.WATCH
    pause: ClassVar[float] = LOOK_SECONDS
    _lookout: Lookout | None = None

    async def look(self) -> WatchRecord:
        """Look once, keep what was seen and return it; raises StoreError.

        What does not answer is no trouble of ours: the record says so.
        """
        place = self.deps.environments(self.environment)
        at = place.clock.now()
        was = await asyncio.to_thread(self._record)
        graph, away = await self._graph(place)
        seen = await self._seen(place, away or graph, at, was)
        told = await self._told(place)
        if was is not None and not self._news(was, seen, told, at):
            return was
        return await asyncio.to_thread(self._keep, graph, seen, told, at)

    async def _graph(self, place: Environment) -> tuple[ServiceGraph, str]:
        try:
            return await place.topology.graph(), ""
        except SourceError as error:
            return ServiceGraph(services=()), str(error)

    async def _seen(
        self, place: Environment, graph: ServiceGraph | str, at: datetime, was: WatchRecord | None
    ) -> Glance | str | None:
        """Return what is worse than usual, or why nobody knows; None when nobody is to look."""
        if self.mode is WatchMode.NONE:
            return None
        if isinstance(graph, str):
            return graph
        if self._lookout is None or self._lookout.metrics is not place.metrics:
            self._lookout = Lookout(place.metrics, self.deps.terms.pace.harm)
        known = {one.key for one in was.unusual} if was else set()
        try:
            return await self._lookout.look(graph, at, known)
        except SourceError as error:
            return str(error)

    async def _told(self, place: Environment) -> PlatformSaid | str | None:
        """Return what the platform says is wrong, or why nobody knows; None as above."""
        if self.platform is WatchMode.NONE or place.troubles is None:
            return None
        try:
            return PlatformSaid(await place.troubles.troubles(), await place.troubles.unreadable())
        except SourceError as error:
            return str(error)

    def _news(
        self,
        was: WatchRecord,
        seen: Glance | str | None,
        told: PlatformSaid | str | None,
        at: datetime,
    ) -> bool:
        """Whether a record is to be written: where nothing changed it is each five minutes."""
        why, untold = (one if isinstance(one, str) else "" for one in (seen, told))
        if (was.why, was.untold) != (why, untold):
            return True
        glance = None if isinstance(seen, str) else seen
        said = None if isinstance(told, str) else told
        if glance is None and said is None:
            return False  # nothing was seen, and that is known
        moved = glance is not None and bool(was.unusual or glance.moved)
        wrong = said is not None and bool(was.ailing or said.harm or said.blind != was.blind)
        modes = (was.mode, was.platform) != (self.mode, self._asks(told))
        last = max(was.looked_at, was.asked_at or was.looked_at)
        return moved or wrong or modes or at - last >= WRITTEN

    def _asks(self, told: PlatformSaid | str | None) -> WatchMode:
        return WatchMode.NONE if told is None else self.platform

    def _record(self) -> WatchRecord | None:
        with self.deps.store.read() as view:
            return view.watches.get(self.environment)

    def _keep(
        self,
        graph: ServiceGraph,
        seen: Glance | str | None,
        told: PlatformSaid | str | None,
        at: datetime,
    ) -> WatchRecord:
        modes = {"mode": self.mode, "platform": self._asks(told)}
        with self.deps.store.begin() as work:
            was = work.watches.get(self.environment) or WatchRecord(looked_at=at, mode=self.mode)
            look = WatchLook(self.deps, work, self.environment, graph, at)
            record = look.taken(was.model_copy(update=modes), seen, told)
            work.watches.put(self.environment, record)
        if look.said:
            self.heard()
        return record
