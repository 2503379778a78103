"""Sends the trace of each incident that ended: reads the bus from a cursor, as notices do.

All of a trace comes from what is stored. So nothing depends on the process that did the work, a
workflow that is replayed sends nothing twice, and a trace that is sent again after a crash has the
span ids that it had.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from aiops_agent.domain.errors import AiopsError, NotifyError
from aiops_agent.domain.event import Event
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.retry import growing, retry
from aiops_agent.domain.trace import Trace, trace_of
from aiops_agent.ports.store import Store
from aiops_agent.ports.traces import TraceSink
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.queries import Queries

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5  # a hiccup is over by then
LONGEST_PAUSE_SECONDS = 60.0  # a collector that is away for a day is asked once a minute


@dataclass(frozen=True)
class Traces:
    """One subscriber: the traces of the shop's incidents, or of the configured environments'."""

    store: Store
    feed: Feed
    sink: TraceSink
    simulated: bool

    def begin(self) -> None:
        """Begin where the bus is now, when it was never read: old incidents are not sent."""
        with self.store.begin() as work:
            if not work.events.cursor(self._subscriber):
                # At least 1, also on an empty bus: the next start must not take itself for the
                # first one. The first event of all ends no incident.
                work.events.advance(self._subscriber, max(work.events.last(), 1))

    async def run(self, well: Callable[[], None] = lambda: None) -> None:
        """Send every trace from where it stopped last, for ever, and say `well` as it goes on.

        A collector that is away is waited for: nothing else waits meanwhile, and nothing is lost.
        Raises StoreError.
        """
        await asyncio.to_thread(self.begin)
        async with aclosing(self.feed.follow(await asyncio.to_thread(self._stopped))) as batches:
            async for found in batches:
                well()
                for event in filter(self._ends, found):
                    pauses = growing(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
                    await retry(partial(self._send, event), when=_may_help, pauses=pauses)

    async def catch_up(self) -> None:
        """Send what is left; a collector that is away now gets it after the next start."""
        cursor = await asyncio.to_thread(self._stopped)
        while found := await self.feed.after(cursor):
            cursor = found[-1].id
            for event in filter(self._ends, found):
                try:
                    await self._send(event)
                except NotifyError as error:
                    log.warning("trace kept for later", extra={"why": str(error)})
                    return

    def _ends(self, event: Event) -> bool:
        mine = event.environment.simulated is self.simulated
        return mine and event.type is EventType.REPORT_WRITTEN

    async def _send(self, event: Event) -> None:
        """Send the trace of an ended incident; raises NotifyError when it may be taken later."""
        try:
            await self.sink.send(await asyncio.to_thread(self._trace, event.incident))
        except NotifyError as error:
            if error.retry:
                raise
            log.warning("trace refused", extra={"incident": event.incident, "why": str(error)})
        await asyncio.to_thread(self._done, event.id)

    def _trace(self, incident: str) -> Trace:
        queries = Queries(self.store)
        found = queries.incident(incident)
        return trace_of(found, queries.history(found.id), queries.calls(found.id))

    def _stopped(self) -> int:
        with self.store.read() as view:
            return view.events.cursor(self._subscriber)

    def _done(self, cursor: int) -> None:
        with self.store.begin() as work:
            work.events.advance(self._subscriber, cursor)

    @property
    def _subscriber(self) -> str:
        return f"traces:{'shop' if self.simulated else 'serve'}"


def _may_help(error: AiopsError) -> bool:
    return isinstance(error, NotifyError) and error.retry
