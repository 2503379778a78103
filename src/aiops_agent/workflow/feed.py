"""One feed of events in a process: each reader keeps a cursor, and one poller wakes them all."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from datetime import timedelta
from typing import Protocol

from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import EventType
from aiops_agent.workflow.loops import Loop, LoopName, Loops

LIVELY = timedelta(milliseconds=100)  # between two looks while something happens
IDLE = timedelta(seconds=1)  # between two looks when nothing did for CALM
CALM = timedelta(seconds=3)  # after it nobody is in a hurry
QUIET = timedelta(seconds=2)  # without an event, before a reader is told so
GRACE = timedelta(seconds=6)  # after an incident's end, for its report


class Bus(Protocol):
    """Where events are read; blocking calls."""

    def events(self, after: int = 0, incident: str | None = None) -> tuple[Event, ...]:
        """Return events above an id, oldest first."""

    def newest_event(self) -> int:
        """Return the id of the newest event; 0 when there is none."""

    def incident(self, incident_id: str) -> Incident:
        """Return one incident."""


class Feed:
    """Reads the bus for everybody in this process. Use it inside one event loop.

    Each reader reads the store from its own cursor, so that none loses or repeats an event however
    the others come, go or dawdle; the poller only says that there is something to read.
    """

    def __init__(self, bus: Bus, loops: Loops | None = None) -> None:
        self._bus = bus
        self._loops = loops or Loops()
        self._readers: set[asyncio.Event] = set()
        self._poller: asyncio.Task[None] | None = None

    async def after(self, cursor: int, incident: str | None = None) -> tuple[Event, ...]:
        """Return what is on the bus above a cursor now, oldest first, at most one batch."""
        return await asyncio.to_thread(self._bus.events, cursor, incident)

    async def so_far(self, incident: str) -> tuple[Event, ...]:
        """Return all events of an incident until now."""
        events: list[Event] = []
        while found := await self.after(events[-1].id if events else 0, incident):
            events += found
        return tuple(events)

    async def follow(
        self, cursor: int = 0, incident: str | None = None
    ) -> AsyncGenerator[tuple[Event, ...], None]:
        """Yield all events above a cursor for ever, each once, and () after each QUIET.

        Raises StoreError when the store cannot be read.
        """
        with self._reader() as news:
            while True:
                news.clear()  # before the look: what comes after it rings again
                found = await self.after(cursor, incident)
                if found:
                    cursor = found[-1].id
                    yield found
                elif not await _rings(news, QUIET):
                    yield ()

    async def incident(
        self, incident: str, died: Callable[[str], Awaitable[str]] | None = None
    ) -> AsyncGenerator[Event, None]:
        """Yield an incident's events from the first on, until it has ended and is reported.

        `died` says why nobody works on it any more, or ""; then StoreError is raised.
        """
        quiet, ended = timedelta(), False
        async with aclosing(self.follow(0, incident)) as batches:
            async for found in batches:
                for event in found:
                    yield event
                if _over(found):
                    return
                if found:
                    quiet, ended = timedelta(), False
                elif ended:
                    return
                elif (quiet := quiet + QUIET) >= GRACE:
                    # Once more, then: what told of the end may have come behind this look.
                    ended = (await asyncio.to_thread(self._bus.incident, incident)).ended
                if quiet and not ended and died and (why := await died(incident)):
                    raise StoreError(f"The story of {incident} died by an error of ours: {why}")

    @contextmanager
    def _reader(self) -> Iterator[asyncio.Event]:
        news = asyncio.Event()
        self._readers.add(news)
        if self._poller is None or self._poller.done():
            self._loop = self._loops.begin(LoopName.FEED)
            self._poller = asyncio.create_task(self._poll(self._loop), name="feed")
        try:
            yield news
        finally:
            self._readers.discard(news)
            if not self._readers:
                self._poller.cancel()
                self._loops.end(self._loop)

    async def _poll(self, loop: Loop) -> None:
        newest, calm = -1, timedelta()

        async def look() -> None:
            nonlocal newest, calm
            last = -1  # unless it can be seen: every reader then looks for itself, and meets why
            try:
                last = await asyncio.to_thread(self._bus.newest_event)
            finally:
                calm = calm if last == newest != -1 else timedelta()
                if last != newest or last == -1:
                    newest = last
                    for news in self._readers:
                        news.set()

        async def rest() -> None:
            nonlocal calm
            pause = LIVELY if calm < CALM else IDLE
            await asyncio.sleep(pause.total_seconds())
            calm += pause

        await loop.run(look, rest)


def _over(found: Sequence[Event]) -> bool:
    """Whether the report was written and nothing began anew behind it."""
    kinds = [event.type for event in found]
    if EventType.REPORT_WRITTEN not in kinds:
        return False
    behind = kinds[::-1].index(EventType.REPORT_WRITTEN)
    return EventType.INCIDENT_REOPENED not in kinds[len(kinds) - behind :]


async def _rings(news: asyncio.Event, patience: timedelta) -> bool:
    # Not `wait_for`: in Python 3.11 it may swallow that the reader was cancelled at that moment.
    with suppress(TimeoutError):
        async with asyncio.timeout(patience.total_seconds()):
            return await news.wait()
    return False
