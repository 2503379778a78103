"""One process at a time works on the stories of a store, and only it writes for them.

A row of the store says who (a lease), until when by the database's clock, and under which number (a
fence). Each transaction of the engine begins with a look at that row. All our transactions are one
after another (`Store.begin`), and the lease changes hands inside one: so what was written before
was written by the owner, and an owner that was stopped and wakes behind its time writes nothing.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.domain.errors import LeaseLost, NotifyError, StoreError
from aiops_agent.domain.lease import Lease
from aiops_agent.domain.notice import Notice, Receipt
from aiops_agent.ports.people import Notifier
from aiops_agent.ports.store import Reader, Store, View, Work

TERM = timedelta(seconds=8)  # without a sign of life; with launching, less than 15 s to a takeover


def seen(store: Reader, name: str, wall: datetime) -> tuple[Lease | None, bool]:
    """Return the lease of a role, and whether somebody holds it now; `wall` is our own time."""
    with store.read() as view:
        lease = view.leases.get(name)
        return lease, lease is not None and lease.held(view.clock.now(wall))


@dataclass
class Tenure:
    """The hold of one process on the lease `name`; safe to be used by many threads.

    `term` is how long it holds unless renewed; None where a lock of the system already tells that
    nobody else lives who could hold it. `now` is wall time (a server's own clock goes before it),
    `clock` is monotonic, in seconds. `lost` is told once why it is lost, from any thread.
    """

    store: Store
    name: str
    owner: str
    now: Callable[[], datetime]
    term: timedelta | None = TERM
    clock: Callable[[], float] = time.monotonic
    lost: Callable[[str], None] = lambda _why: None
    version: str = ""  # of our program
    serves: tuple[str, ...] = ()  # the environments for which we hold it
    lease: Lease | None = None
    gone: str = ""  # why it is not ours any more
    refused: int = 0  # transactions of ours that came behind the end of it
    _renewed: float = float("-inf")  # before the store was asked

    def take(self) -> bool:
        """Take the lease unless another process holds it, and say whether it is ours."""
        began = self.clock()
        with self.store.begin() as work:
            now, known = work.clock.now(self.now()), work.leases.get(self.name)
            if self.term and known and known.owner != self.owner and known.held(now):
                return False
            lease = Lease(
                name=self.name,
                owner=self.owner,
                fence=known.fence + 1 if known else 1,
                since=now,
                until=now + self.term if self.term else None,
                version=self.version,
                serves=self.serves,
            )
            work.leases.put(lease)
        self.lease, self._renewed = lease, began
        return True

    def renew(self) -> None:
        """Hold it for another term, also behind its end when nobody took it; raises LeaseLost."""
        began = self.clock()
        with self.store.begin() as work:
            self._extended(work, self._own(work))
        self._renewed = began

    def give_back(self) -> None:
        """Let the next one take it at once, when it is still ours; we write nothing behind it."""
        self.gone = self.gone or f"{self.owner} gave the lease of {self.name!r} back."
        with self.store.begin() as work:
            known = work.leases.get(self.name)
            if known is not None and self._mine(known):
                work.leases.put(known.model_copy(update={"owner": ""}))

    def check(self, work: Work) -> None:
        """Raise LeaseLost unless it is ours in this transaction: what is written then is lawful.

        One that runs out soon is renewed by the way, so that what may be sent after the commit is
        sent within it.
        """
        known = self._own(work)
        if not self._fresh:
            self._extended(work, known)

    def sure(self) -> None:
        """Raise LeaseLost unless it was ours a moment ago; asks the store only when in doubt."""
        if self.gone:
            raise LeaseLost(self.gone)
        if not self._fresh:
            self.renew()

    @property
    def _fresh(self) -> bool:
        """Whether more than half of the term is left, by our own clock."""
        return self.term is None or self.clock() - self._renewed < self.term.total_seconds() / 2

    def _own(self, work: Work) -> Lease:
        known = work.leases.get(self.name)
        if known is not None and self._mine(known):
            return known
        self.refused += 1
        if self.lease is None:
            raise LeaseLost(f"{self.owner} does not lead: it writes nothing for the stories.")
        if not self.gone:
            self.gone = (
                f"{known.words if known and known.owner else 'Nobody'} holds the lease of "
                f"{self.name!r} by now: {self.owner} was away for too long and writes nothing more."
            )
            self.lost(self.gone)
        raise LeaseLost(self.gone)

    def _mine(self, known: Lease) -> bool:
        held = self.lease
        return held is not None and (known.owner, known.fence) == (held.owner, held.fence)

    def _extended(self, work: Work, known: Lease) -> None:
        if self.term is not None:
            until = work.clock.now(self.now()) + self.term
            work.leases.put(known.model_copy(update={"until": until}))


@dataclass(frozen=True)
class FencedStore:
    """The store of the engine: its transactions count only while the lease is ours."""

    store: Store
    tenure: Tenure

    def read(self) -> AbstractContextManager[View]:
        """Open a view; to look is nobody's privilege."""
        return self.store.read()

    @contextmanager
    def begin(self) -> Iterator[Work]:
        """Open a transaction; raises LeaseLost, and writes nothing, when another process leads."""
        with self.store.begin() as work:
            self.tenure.check(work)
            yield work


@dataclass(frozen=True)
class FencedNotifier:
    """Tells people only while the lease is ours: who wakes behind its time tells nobody."""

    notifier: Notifier
    tenure: Tenure

    @property
    def name(self) -> str:
        """The name of the channel."""
        return self.notifier.name

    async def tell(self, notice: Notice) -> Receipt:
        """Tell it; raises NotifyError, also when it is not sure that the lease is ours."""
        try:
            await asyncio.to_thread(self.tenure.sure)
        except StoreError as error:
            raise NotifyError(str(error), retry=True) from error
        return await self.notifier.tell(notice)
