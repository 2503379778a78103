"""The connection below HTTP: who sends no whole request in time, or reads no answer, is cut off."""

import asyncio
import resource
from datetime import timedelta

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 512  # fewer where this process may not open so many files
PATIENCE = timedelta(seconds=10)  # for the head of a request to arrive
UNREAD = timedelta(seconds=30)  # for an answer to be read on


class Caller(H11Protocol):
    """One connection. Where there are too many, the one that asks for nothing longest gives way."""

    idle_since = 0.0  # by the loop's clock
    _late: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Whether no request is being answered: none came yet, or not the whole head of one."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Begin; one more than are allowed costs the longest idle one, or this one."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            idle = [one for one in self.connections if one is not self and _is_idle(one)]
            longest = min(idle, key=lambda one: getattr(one, "idle_since", 0.0), default=self)
            self.connections.discard(longest)  # its end is told later; it counts no more
            longest.transport.abort()
        self._expect_a_head()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()  # a pipelined one is begun by this
        if self.idle:
            self._expect_a_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        for timer in (self._late, self._unread):
            if timer is not None:
                timer.cancel()

    def pause_writing(self) -> None:
        """Stop sending to who does not read, and not wait for ever."""
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD.total_seconds(), self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def _expect_a_head(self) -> None:
        self.idle_since = self.loop.time()
        if self._late is not None:
            self._late.cancel()
        self._late = self.loop.call_later(PATIENCE.total_seconds(), self._cut_off)

    def _cut_off(self) -> None:
        if self.idle:
            self.transport.abort()


def most_connections() -> int:
    """Return how many connections there may be: the store and its files need room too."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, files // 2)


def _is_idle(connection: object) -> bool:
    return isinstance(connection, Caller) and connection.idle
