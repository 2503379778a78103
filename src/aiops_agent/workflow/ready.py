"""Can alerts be taken and worked on? Asked by whoever decides where alerts are sent."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiops_agent.domain.errors import StoreError
from aiops_agent.ports.store import Store
from aiops_agent.workflow.loops import LoopName, Loops

PATIENCE_SECONDS = 1.0  # whoever asks waits no longer
FRESH_SECONDS = 1.0  # an answer counts so long: many who ask cost one write

Answer = tuple[bool, str]


@dataclass
class Readiness:
    """Whether alerts can be taken and worked on, and what hinders it if not."""

    store: Store
    loops: Loops
    running: Callable[[], bool] = lambda: False  # whether this process runs the engine
    stands: Callable[[], str] = str  # how it stands to others that could, in words
    work: LoopName = LoopName.INBOX  # what is worked on
    _tried: tuple[asyncio.Future[str], float] | None = None  # the newest try, and when it began

    def of(self, work: LoopName) -> "Readiness":
        """Return the same for a process that works on something else than alerts."""
        return Readiness(self.store, self.loops, self.running, self.stands, work)

    async def look(self) -> Answer:
        """Answer within PATIENCE_SECONDS, whatever the store does."""
        if why := self._idle():
            return False, why
        now = self.loops.clock()
        if self._tried is None or (self._tried[0].done() and now - self._tried[1] >= FRESH_SECONDS):
            # One at a time: a store that hangs must not take all threads.
            self._tried = asyncio.ensure_future(asyncio.to_thread(self.refused)), now
        trying, began = self._tried
        done, _ = await asyncio.wait({trying}, timeout=PATIENCE_SECONDS)
        if not done:
            hangs = self.loops.clock() - began
            return False, f"The store has not taken a record for {hangs:.0f} s."
        if trying.cancelled() or trying.exception() is not None:
            return False, f"The store cannot be asked: {trying.exception()}."
        if why := trying.result():
            return False, why
        return True, "; ".join(filter(None, ("ready", self.stands())))

    def refused(self) -> str:
        """Write to the store, and return why it takes nothing, or ""; blocking."""
        try:
            with self.store.begin() as work:
                work.inbox.attempt()
        except StoreError as error:
            return str(error)
        return ""

    def _idle(self) -> str:
        if not self.running():
            return "The engine does not run."
        return self.loops.trouble(self.work)
