"""Opens transactions over everything durable."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

from sqlalchemy import Connection, Engine

from aiops_agent.adapters.sql.approvals import SqlApprovals, SqlLedger
from aiops_agent.adapters.sql.archive import SqlArchive
from aiops_agent.adapters.sql.calls import SqlCalls
from aiops_agent.adapters.sql.engine import PATIENCE, our_errors, snapshot, take_turn
from aiops_agent.adapters.sql.events import SqlEvents
from aiops_agent.adapters.sql.heartbeats import SqlHeartbeats
from aiops_agent.adapters.sql.inbox import SqlInbox, SqlTokens
from aiops_agent.adapters.sql.incidents import SqlAlerts, SqlIncidents
from aiops_agent.adapters.sql.leases import SqlLeases
from aiops_agent.adapters.sql.outbox import SqlOutbox
from aiops_agent.adapters.sql.preparations import SqlPreparations
from aiops_agent.adapters.sql.releases import SqlGoodReleases
from aiops_agent.adapters.sql.sending import SqlClock, SqlSending
from aiops_agent.adapters.sql.watches import SqlWatches
from aiops_agent.domain.errors import StoreError
from aiops_agent.ports.store import View, Work

# Seconds of one turn; then the database hangs, and nobody queues behind it any longer. SQLite lets
# nobody in by turns: a process among busy ones may wait long.
STUCK = {"sqlite": PATIENCE.total_seconds(), "postgresql": 5.0}
_LOOK = 0.25  # seconds between two looks whether it does

# Given the open connection, an incident and a key: sends a message that counts on commit.
Wake: TypeAlias = Callable[[Connection, str, str], None]


def wake_nobody(_connection: Connection, _incident: str, _key: str) -> None:
    """Send nothing: for programs that run no story, and for tests."""


def _work(connection: Connection, wake: Wake, *, own_clock: bool) -> Work:
    return Work(
        inbox=SqlInbox(connection),
        incidents=SqlIncidents(connection),
        alerts=SqlAlerts(connection),
        events=SqlEvents(connection),
        outbox=SqlOutbox(connection),
        approvals=SqlApprovals(connection),
        ledger=SqlLedger(connection),
        sending=SqlSending(connection),
        clock=SqlClock(connection, own=own_clock),
        archive=SqlArchive(connection),
        tokens=SqlTokens(connection),
        calls=SqlCalls(connection),
        leases=SqlLeases(connection),
        heartbeats=SqlHeartbeats(connection),
        watches=SqlWatches(connection),
        releases=SqlGoodReleases(connection),
        preparations=SqlPreparations(connection),
        wake=partial(wake, connection),
    )


class SqlStore:
    """ports.store.Store on an engine from `make_engine`, its schema brought up by `upgrade`.

    One transaction is open at a time, in this process and among all on the same database; views
    are as many as are wanted. A block stays short, waits for nothing else, and is never opened
    inside another. With `own_clock` the clock of a database server counts, not the caller's.
    """

    def __init__(
        self, engine: Engine, wake: Wake = wake_nobody, *, own_clock: bool = False
    ) -> None:
        self._engine = engine
        self._wake = wake
        self.own_clock = own_clock
        self._gate = threading.Lock()  # threads queue here and do not poll the database
        self._since = 0.0  # monotonic seconds, when the turn began that is taken now
        self._thread = threading.local()

    @contextmanager
    def begin(self) -> Iterator[Work]:
        """Open a transaction; leaving the block commits, an error rolls back."""
        with self._alone():
            self._enter()
            try:
                with our_errors(), self._engine.connect() as connection:
                    take_turn(connection)
                    yield _work(connection, self._wake, own_clock=self.own_clock)
                    connection.commit()
            finally:
                self._gate.release()

    def _enter(self) -> None:
        """Wait for our turn in this process, as long as turns are taken."""
        while not self._gate.acquire(timeout=_LOOK):
            held = time.monotonic() - self._since
            if held > STUCK[self._engine.dialect.name]:
                raise StoreError(f"The store has not taken a record for {held:.0f} s; try again.")
        self._since = time.monotonic()

    @contextmanager
    def read(self) -> Iterator[View]:
        """Open a view of this moment, without waiting for a transaction that is open."""
        with self._alone(), our_errors(), self._engine.connect() as reader, snapshot(reader):
            yield _work(reader, wake_nobody, own_clock=self.own_clock)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # A second block in one thread would wait for the first, or not see what it wrote.
        if getattr(self._thread, "inside", False):
            raise StoreError("A transaction is open already in this thread: a defect of ours.")
        self._thread.inside = True
        try:
            yield
        finally:
            self._thread.inside = False
