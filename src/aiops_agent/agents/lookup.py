"""What a model may look up: read-only, by names of menus that code filled, never by a query."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from aiops_agent.agents.asking import narrowed
from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.errors import SourceError, StoreError
from aiops_agent.domain.quantity import amount, per_minute, signal_name
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.domain.text import safe
from aiops_agent.domain.value import Value
from aiops_agent.ports.memory import RecallQuery
from aiops_agent.ports.model import Tool
from aiops_agent.reasoning.gather import Scene, read_scene
from aiops_agent.reasoning.mine import novelties

MOST_SERVICES = 40  # in a menu: a longer one is no choice any more
MOST_LINES = 8  # of a tool's answer: a reader takes in no more
_LINE = 240  # characters of one of them


class SignalWanted(Value):
    """One signal of one service, from the menus."""

    service: str = Field(description="whose signal")
    signal: str = Field(description="which signal")


class ServiceWanted(Value):
    """One service, from the menu."""

    service: str = Field(description="which service")


class NothingWanted(Value):
    """No arguments."""


@dataclass
class Lookup:
    """Answers a model's questions about one incident from what telemetry says now."""

    briefing: Briefing
    services: tuple[ServiceName, ...]
    _scene: Scene | None = None
    # One reading serves all questions: they come one by one or side by side.
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def tools(self) -> tuple[Tool, ...]:
        """Return the menu of tools."""
        names = tuple(self.services)
        one = narrowed(ServiceWanted, service=names)
        signals = tuple(signal.value for signal in Signal)
        pair = narrowed(SignalWanted, service=names, signal=signals)
        return (
            Tool("signal", "A signal of a service, before the trouble and now.", pair, self.signal),
            Tool("logs", "New or more frequent log lines of a service.", one, self.logs),
            Tool("changes", "What was changed at a service in the last day.", one, self.changes),
            Tool("calls", "Who calls a service, and whom it calls.", one, self.calls),
            Tool("memory", "Similar past incidents, what was tried, what came of it.",
                 NothingWanted, self.memory),
        )  # fmt: skip

    async def signal(self, wanted: Any) -> str:
        """Return one signal before and now."""
        scene = await self._seen()
        if isinstance(scene, str):
            return scene
        signal = Signal(wanted.signal)
        moved = scene.shift(wanted.service, signal)
        name = f"{signal_name(signal)} of {wanted.service}"
        if moved is None:
            return f"{name} is not seen"
        how = "up" if moved.up else "down" if moved.down else "within noise"
        before, now = amount(signal, moved.before), amount(signal, moved.now)
        return f"{name}: before {before}, now {now} ({how})"

    async def logs(self, wanted: Any) -> str:
        """Return kinds of line that are new or much more frequent."""
        scene = await self._seen()
        if isinstance(scene, str):
            return scene
        found = [one for one in novelties(scene) if one.service == wanted.service]
        lines = [
            f"{per_minute(one.before)} -> {per_minute(one.now)}: {one.template}" for one in found
        ]
        return _listed(lines) or f"no new kind of line at {wanted.service}"

    async def changes(self, wanted: Any) -> str:
        """Return what was changed, oldest first."""
        scene = await self._seen()
        if isinstance(scene, str):
            return scene
        found = [one for one in scene.changes if one.service == wanted.service]
        lines = [f"{c.at:%H:%M:%S} {c.kind}: {c.title} {c.before} -> {c.after}" for c in found]
        return _listed(lines) or f"no change of {wanted.service} is on record"

    async def calls(self, wanted: Any) -> str:
        """Return the neighbours of a service."""
        scene = await self._seen()
        if isinstance(scene, str):
            return scene
        callers = ", ".join(scene.graph.callers(wanted.service)) or "nobody that is known"
        callees = ", ".join(scene.graph.callees(wanted.service)) or "nobody that is known"
        return f"{wanted.service} is called by {callers}; it calls {callees}"

    async def memory(self, _wanted: Any) -> str:
        """Return what memory has of the like of this incident."""
        return await remembered(self.briefing) or "nothing similar is remembered"

    async def _seen(self) -> Scene | str:
        async with self._reading:
            if self._scene is None:
                incident, pace = self.briefing.incident, self.briefing.pace
                environment, now = self.briefing.environment, self.briefing.now
                try:
                    self._scene = await read_scene(environment, incident, pace.baseline, now)
                except SourceError as error:
                    return f"telemetry does not answer: {error}"
            return self._scene


async def menu_of_services(
    briefing: Briefing, near: Iterable[ServiceName] = ()
) -> tuple[ServiceName, ...]:
    """Return the services that may be named, those that are `near` surely, by their names."""
    first = {briefing.incident.service, *near}
    try:
        known = (await briefing.environment.topology.graph()).names
    except SourceError:
        known = ()  # those that are near are enough to choose from
    others = [name for name in sorted(known) if name not in first]
    return tuple(sorted([*sorted(first), *others][:MOST_SERVICES]))


async def remembered(briefing: Briefing) -> str:
    """Return similar past incidents with what was tried and what came of it, a line each."""
    query = RecallQuery(incident=briefing.incident)
    try:
        hits = await asyncio.to_thread(briefing.memory.recall, query)
    except StoreError as error:
        return f"memory does not answer: {error}"
    lines = []
    for hit in hits[:3]:
        case = hit.case
        tried = ", ".join(f"{t.action.text}: {t.recovery}" for t in case.tried) or "nothing tried"
        ended = f"{case.status}, {case.summary}" if case.summary else case.status
        lines.append(f"{case.id} {case.cause} of {case.cause_service}; {tried}; {ended}")
    return _listed(lines)


def _listed(lines: Sequence[str]) -> str:
    shown = [safe(line, limit=_LINE) for line in lines[:MOST_LINES]]
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return "\n".join([*shown, *more])
