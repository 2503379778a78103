"""Leads, or stands by until it does: takes the lease, keeps it, and ends the process that lost it.

A process that lost its lease ends and does not stand by again. It was stopped for seconds, or cut
off while another one lived its incidents on: nothing in its memory is worth being trusted. What
runs it starts it anew, and alerts are taken in by the other one meanwhile.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiops_agent.domain.errors import BusyError, LeaseLost, StoreError
from aiops_agent.domain.lease import Lease
from aiops_agent.workflow.lease import Tenure, seen
from aiops_agent.workflow.loops import Loop

log = logging.getLogger(__name__)

RENEW_SECONDS = 2.0  # three may fail before the term is over
LOOK_SECONDS = 1.0  # of who stands by


@dataclass
class Leading:
    """From the first look for a lease until it is given back; to be used by one task.

    `loop` tells how it fares to renew it or, standing by, to look for it.
    """

    tenure: Tenure
    loop: Loop
    what: str  # for a person: "`aiops serve`"
    leads: bool = False
    other: Lease | None = None  # that was held when we looked last
    _error: BaseException | None = None
    _closing: bool = False
    _waiting: asyncio.Task[None] | None = None
    _keeper: threading.Thread | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    async def begin(self, lead: Callable[[], Awaitable[None]], *, stand_by: bool) -> None:
        """Take the lease and lead. With `stand_by` return at once also while another one leads.

        From then on the calling task is cancelled when the lease is lost, or when it cannot lead:
        `why` says so. Raises BusyError when another process lives that leads, and StoreError.
        """
        task, running = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def end(error: BaseException) -> None:
            if self._error is None and not self._closing:
                self._error = error
                task.cancel()

        def lost(why: str) -> None:
            log.error("lease lost", extra={"why": why})
            running.call_soon_threadsafe(end, LeaseLost(why))

        def failed(waiting: asyncio.Task[None]) -> None:
            if not waiting.cancelled() and (error := waiting.exception()) is not None:
                end(error)

        self.tenure.lost = lost
        if await asyncio.to_thread(self.tenure.take):
            await self._lead(lead)
        elif not stand_by:
            await self._follow(lead, stand_by=False)
        else:
            self.other, _ = await asyncio.to_thread(self._seen)
            self._waiting = asyncio.create_task(self._follow(lead, stand_by=True))
            self._waiting.add_done_callback(failed)

    @asynccontextmanager
    async def led(
        self, lead: Callable[[], Awaitable[None]], *, stand_by: bool
    ) -> AsyncIterator[None]:
        """Be inside from `begin` to `stand_down`; raises as `begin`, and why it was cancelled."""
        try:
            await self.begin(lead, stand_by=stand_by)
            yield
        except asyncio.CancelledError:
            if (error := self.why()) is not None:
                raise error from None
            raise
        finally:
            await self.stand_down()

    def why(self) -> BaseException | None:
        """Return why the task was cancelled, once; None when somebody else did that."""
        error, self._error = self._error, None
        if error is not None:
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
        return error

    @property
    def words(self) -> str:
        """How it stands, for a person; "" where nobody else could lead."""
        if self.tenure.term is None or self.tenure.gone:
            return self.tenure.gone
        if self.leads and self.tenure.lease is not None:
            return f"leads as {self.tenure.lease.words}"
        other = self.other.words if self.other and self.other.owner else "nobody"
        return f"stands by: {other} leads"

    async def stand_down(self) -> None:
        """Begin to lead no more; from now on the task is not cancelled."""
        self._closing = True
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.wait({self._waiting})

    def end(self) -> None:
        """Give the lease back; blocking, at the end of everything that rests on it."""
        self._over.set()
        if self._keeper is not None:
            self._keeper.join()
        if self.tenure.gone:
            log.error("refused to write without the lease", extra={"times": self.tenure.refused})
        elif self.tenure.lease is not None:
            with suppress(StoreError):  # then it runs out by itself
                self.tenure.give_back()

    async def _follow(self, lead: Callable[[], Awaitable[None]], *, stand_by: bool) -> None:
        await self._taken_over(stand_by=stand_by)
        await self._lead(lead)

    async def _lead(self, lead: Callable[[], Awaitable[None]]) -> None:
        if self.tenure.term is not None:
            # A thread and a loop of its own: where the other is held up, no lease is lost.
            self._keeper = threading.Thread(
                target=lambda: asyncio.run(self._keep()), name="lease", daemon=True
            )
            self._keeper.start()
        await lead()
        self.leads, self.other = True, None
        log.info("leads", extra={"lease": self.tenure.name, "owner": self.tenure.owner})

    async def _keep(self) -> None:
        while not self._over.wait(RENEW_SECONDS) and not self.tenure.gone:
            await self.loop.tried(self._renew)

    async def _renew(self) -> None:
        self.tenure.renew()

    async def _taken_over(self, *, stand_by: bool) -> None:
        """Return when the lease is ours: it was given back, or its owner is silent for a term.

        Silent means at two looks in a row: after an outage of the database the owner has a moment
        to renew. Who does not stand by gets a BusyError as soon as the owner shows that it lives.
        """
        first: Lease | None = None
        silent = False
        while True:
            try:
                self.other, held = await asyncio.to_thread(self._seen)
                gone = self.other is None or not self.other.owner
                if (gone or (silent and not held)) and await asyncio.to_thread(self.tenure.take):
                    return
                silent, first = not held, first or self.other
                self.loop.well()
            except StoreError as error:
                if not stand_by:
                    raise
                silent = False
                self.loop.failed(error)
            lives = len({one.until for one in (first, self.other) if one}) > 1
            if self.other and lives and not stand_by:
                raise BusyError(
                    f"{self.other.owner} already runs {self.what} on this store; "
                    "end it first, or name another store."
                )
            await asyncio.sleep(LOOK_SECONDS)

    def _seen(self) -> tuple[Lease | None, bool]:
        return seen(self.tenure.store, self.tenure.name, self.tenure.now())
