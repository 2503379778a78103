"""Which process works on the stories of a store: a lock beside a file, a lease on a server."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from socket import gethostname
from typing import Self

from sqlalchemy import Engine as Database

from aiops_agent.adapters.sql.engine import LEASE_CONNECTIONS, make_engine
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.lease import Lease
from aiops_agent.ports.store import Reader, Store
from aiops_agent.workflow import lease
from aiops_agent.workflow.leading import Leading
from aiops_agent.workflow.lease import Tenure, seen
from aiops_agent.workflow.lock import beside, holder, lock
from aiops_agent.workflow.loops import LoopName, Loops

_NAMES = {"shop": "`aiops demo`", "serve": "`aiops serve`"}


@dataclass
class Leadership:
    """What this process knows of who leads; `leading` is its own part while its engine is open.

    `store` is on connections of its own: where all others are busy, no lease is lost. `reader` is
    the one of everybody, for a command that takes no lease.
    """

    database: Database
    store: Store
    reader: Reader
    now: Callable[[], datetime]
    loops: Loops
    leading: Leading | None = None

    @classmethod
    def on(cls, reader: SqlStore, url: str, now: Callable[[], datetime], loops: Loops) -> Self:
        """Return it for the store at an address, which the reader reads."""
        database = make_engine(url, LEASE_CONNECTIONS)
        return cls(database, SqlStore(database, own_clock=reader.own_clock), reader, now, loops)

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

    def leader(self, role: str) -> Lease | None:
        """Return who works on the stories of a role on this store, or None."""
        path = self._lock(role)
        if path is not None and not holder(path):
            return None
        known, held = seen(self.reader, role, self.now())
        return known if held else None

    def alone(self, role: str) -> AbstractContextManager[None]:
        """Be the only process of the role on a SQLite file, or raise BusyError."""
        path = self._lock(role)
        return nullcontext() if path is None else lock(path, _NAMES[role])

    def begin(self, role: str) -> Leading:
        """Return the part that this process plays from now on; nobody else was ever its owner."""
        owner = f"{gethostname()}-{os.getpid()}-{token_hex(3)}"
        term = None if self._lock(role) else lease.TERM
        tenure = Tenure(self.store, role, owner, self.now, term)
        loop = self.loops.begin(LoopName.LEASE, silent=None)
        self.leading = Leading(tenure, loop, _NAMES[role])
        return self.leading

    def end(self) -> None:
        """Give back the lease and play no part any more; blocking."""
        if self.leading is not None:
            self.leading.end()
            self.loops.end(self.leading.loop)
            self.leading = None

    def _lock(self, role: str) -> Path | None:
        """Return where the lock of a role lies; None for a server, which many machines reach."""
        file = self.database.url.database if self.database.dialect.name == "sqlite" else None
        return beside(Path(file), role) if file else None
