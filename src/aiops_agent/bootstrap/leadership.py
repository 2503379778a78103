"""Which process works on the stories of a store: a lock beside a file, a lease on a server."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from socket import gethostname
from typing import Self

from sqlalchemy import Engine as Database

from aiops_agent import __version__
from aiops_agent.adapters.sql.engine import LEASE_CONNECTIONS, make_engine
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.bootstrap.records import Records, lock_of
from aiops_agent.domain.lease import EXECUTOR
from aiops_agent.ports.store import Store
from aiops_agent.workflow import lease
from aiops_agent.workflow.leading import Leading
from aiops_agent.workflow.lease import Tenure
from aiops_agent.workflow.lock import lock
from aiops_agent.workflow.loops import LoopName, Loops

_NAMES = {"shop": "`aiops demo`", "serve": "`aiops serve`", EXECUTOR: "`aiops execute`"}


@dataclass
class Leadership:
    """What this process knows of who leads; `leading` is its own part while its engine is open.

    `store` is on connections of its own: where all others are busy, no lease is lost.
    """

    database: Database
    store: Store
    now: Callable[[], datetime]
    loops: Loops
    leading: Leading | None = None

    @classmethod
    def on(cls, url: str, records: Records, loops: Loops) -> Self:
        """Return it for the store at an address, of which the records are read."""
        database = make_engine(url, LEASE_CONNECTIONS)
        return cls(database, SqlStore(database, own_clock=records.own_clock), records.now, loops)

    def close(self) -> None:
        """Give the database back."""
        self.database.dispose()

    @property
    def opened(self) -> bool:
        """Whether the engine is open here, leading or standing by."""
        return self.leading is not None and not self.leading.tenure.gone

    @property
    def words(self) -> str:
        """How this process stands to others on the same store; "" when it is alone."""
        return self.leading.words if self.leading else ""

    def leads(self) -> bool:
        """Whether this process works on the stories, and does not stand by."""
        return self.opened and self.leading is not None and self.leading.leads

    def alone(self, role: str) -> AbstractContextManager[None]:
        """Be the only process of the role on a SQLite file, or raise BusyError."""
        path = lock_of(self.database, role)
        return nullcontext() if path is None else lock(path, _NAMES[role])

    def begin(self, role: str, serves: tuple[str, ...] = ()) -> Leading:
        """Return the part that this process plays from now on; nobody else was ever its owner.

        The executor is waited for by another process, so that its lease always has a term.
        """
        owner = f"{gethostname()}-{os.getpid()}-{token_hex(3)}"
        term = None if lock_of(self.database, role) and role != EXECUTOR else lease.TERM
        tenure = Tenure(self.store, role, owner, self.now, term, version=__version__, serves=serves)
        loop = self.loops.begin(LoopName.LEASE, silent=None)
        self.leading = Leading(tenure, loop, _NAMES[role])
        return self.leading

    def end(self) -> None:
        """Give back the lease and play no part any more; blocking."""
        if self.leading is not None:
            self.leading.end()
            self.loops.end(self.leading.loop)
            self.leading = None
