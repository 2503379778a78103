"""Tells one receiver what waits in its outbox: no receiver waits for another."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.domain.errors import NotifyError
from aiops_agent.domain.notice import Receipt
from aiops_agent.domain.outbox import LONGEST_PAUSE, LONGEST_REST, OutboxEntry, pause
from aiops_agent.ports.people import Notifier
from aiops_agent.workflow.dispatch import Dispatch
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.wording import notice_of

log = logging.getLogger(__name__)


@dataclass
class Notices:
    """One subscriber: tells one notifier of the events of some environments."""

    dispatch: Dispatch
    feed: Feed
    notifier: Notifier
    _failures: int = 0  # in a row, of whatever notice
    _rests: datetime | None = None  # until then the receiver is left alone

    async def run(self, well: Callable[[], None] = lambda: None) -> None:
        """Tell everything from where it stopped last, for ever, and say `well` as it goes on.

        Raises StoreError.
        """
        await asyncio.to_thread(self.dispatch.begin)
        stopped = await asyncio.to_thread(self.dispatch.stopped)
        async with aclosing(self.feed.follow(stopped)) as batches:
            async for found in batches:  # () while nothing happens: then what waits is looked after
                well()
                if found:
                    await asyncio.to_thread(self.dispatch.take, found)
                await self.send()

    async def catch_up(self) -> int:
        """Read everything that is new, tell what may go now, and return how many were read."""
        await asyncio.to_thread(self.dispatch.begin)
        read = 0
        while found := await self.feed.after(await asyncio.to_thread(self.dispatch.stopped)):
            await asyncio.to_thread(self.dispatch.take, found)
            read += len(found)
        await self.send()
        return read

    async def send(self) -> None:
        """Tell what may go now, message after message, until two in a row fail."""
        while not await asyncio.to_thread(self._resting):
            entries = await asyncio.to_thread(self.dispatch.next)
            if not entries:
                return
            await self._tell(entries)

    def _resting(self) -> bool:
        # After a clock was set back the end of the rest may lie far ahead: then there is none.
        if self._rests is None:
            return False
        now = self.dispatch.now()
        return now < self._rests <= now + LONGEST_PAUSE

    async def _tell(self, entries: tuple[OutboxEntry, ...]) -> None:
        """Tell one message, and record how it went."""
        try:
            receipt = await self._sent(entries)
        except NotifyError as error:
            why, retry = str(error), error.retry
            await asyncio.to_thread(self.dispatch.failed, entries, why, retry=retry)
            self._failures += 1 if retry else 0
            rest = min(timedelta(seconds=error.after), LONGEST_PAUSE) if retry else timedelta()
            if retry and self._failures > 1:  # one alone may be the notice's fault
                rest = max(rest, pause(self.notifier.name, self._failures - 1, LONGEST_REST))
            if rest:
                self._rests = await asyncio.to_thread(self.dispatch.now) + rest
            return
        self._failures, self._rests = 0, None
        await asyncio.to_thread(self.dispatch.told, entries, receipt)

    async def _sent(self, entries: tuple[OutboxEntry, ...]) -> Receipt:
        channel = self.notifier.name
        notice = await asyncio.to_thread(notice_of, self.dispatch.deps.store, entries)
        try:
            return await self.notifier.tell(notice)
        except NotifyError as error:
            failed = error
        except Exception as error:  # border: a channel's own defect silences no other channel
            log.exception("notifier failed", extra={"channel": channel, "key": notice.key})
            failed = NotifyError(f"{channel} failed: {type(error).__name__}", retry=False)
        if not self._failures or not failed.retry:  # an outage is told once
            log.warning(
                "notice not delivered",
                extra={"channel": channel, "key": notice.key, "why": str(failed)},
            )
        raise failed
