"""Is the database whole, and how is it copied away and put back? SQLite; PostgreSQL has its own."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, func, make_url, select, update

from aiops_agent.adapters.sql.engine import make_engine, our_errors
from aiops_agent.adapters.sql.migrate import revision, upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.adapters.sql.tables import APPROVALS, CURSORS, EVENTS, LEDGER, OUTBOX
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.errors import AiopsError, StoreError, UsageError
from aiops_agent.domain.ledger import IntentState
from aiops_agent.domain.outbox import OutboxState
from aiops_agent.domain.sending import Switch

CHECK_SECONDS = 20.0  # of looking at a start; a file of many gigabytes is looked through in part
_STEPS = 10_000  # of SQLite, between two looks at the clock
ELSEWHERE = "PostgreSQL is looked after with its own tools: pg_dump, pg_restore, pg_amcheck."
DAMAGED = (
    "The store's file {path} is damaged ({what}). Stop everything that uses it, then: "
    "aiops store restore BACKUP"
)


def file_of(url: str) -> Path:
    """Return the file of a SQLite store; raises UsageError for PostgreSQL."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        raise UsageError(ELSEWHERE)
    return Path(address.database or "")


def look_through(
    engine: Engine, within: float = CHECK_SECONDS, clock: Callable[[], float] = time.monotonic
) -> bool:
    """Look through the file for damage, so many seconds; say whether the look was finished.

    Raises StoreError with what to do when it is damaged. PostgreSQL is not looked through.
    """
    if engine.dialect.name != "sqlite":
        return True
    path = Path(engine.url.database or "")
    with our_errors(), engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        return _whole(driver, path, clock() + within, clock)


def _whole(
    driver: sqlite3.Connection, path: Path, until: float, clock: Callable[[], float]
) -> bool:
    driver.set_progress_handler(lambda: int(clock() > until), _STEPS)
    try:
        found = [str(row[0]) for row in driver.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        if "interrupt" in str(error):
            return False
        raise
    except sqlite3.DatabaseError as error:
        raise StoreError(DAMAGED.format(path=path, what=error)) from error
    finally:
        driver.set_progress_handler(None, 0)
    if found != ["ok"]:
        what = " ".join(found[0].split())[:120]
        raise StoreError(DAMAGED.format(path=path, what=what))
    return True


def backup(url: str, target: Path) -> int:
    """Copy the store as of one moment, while others use it; return the bytes.

    Raises UsageError when the target is there, StoreError when the copy cannot be made or is
    damaged.
    """
    return _copied(file_of(url), target)


def _copied(source: Path, target: Path) -> int:
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError as error:
        raise UsageError(f"{target} is there already; name another file.") from error
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}.") from error
    try:
        with (
            our_errors(),
            closing(_opened(source)) as here,
            closing(sqlite3.connect(target)) as copy,
        ):
            here.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, complete in itself
            _whole(copy, target, float("inf"), time.monotonic)
    except StoreError:
        target.unlink(missing_ok=True)  # half a backup is worse than none
        raise
    return target.stat().st_size


def restore(url: str, source: Path, *, by: str, at: datetime) -> Path:
    """Put a backup in the place of the store that nobody uses; return where the old one lies.

    Nothing of the past is sent or told again: sending is stopped, what was armed counts as
    unknown, questions are expired, and every reader of events stands at the end. Raises UsageError
    or StoreError, and changes nothing then.
    """
    place = file_of(url)
    if not source.is_file():
        raise UsageError(f"There is no file {source}.")
    if source.resolve() == place.resolve():
        raise UsageError(f"{source} is the store itself.")
    fresh = place.with_name(f"{place.name}.restoring")
    fresh.unlink(missing_ok=True)
    _copied(source, fresh)
    try:
        _settle(fresh, f"restored from {source.name}", by, at)
    except AiopsError:
        fresh.unlink(missing_ok=True)
        raise
    old = place.with_name(f"{place.name}.before-{at:%Y%m%dT%H%M%S}")
    for tail in ("", "-wal", "-shm"):
        was = place.with_name(place.name + tail)
        if was.exists():
            was.rename(old.with_name(old.name + tail))
    fresh.rename(place)
    return old


def _settle(path: Path, why: str, by: str, at: datetime) -> None:
    engine = make_engine(f"sqlite:///{path}")
    try:
        with our_errors(), engine.connect() as connection:
            if not revision(connection):
                raise UsageError(f"Nothing is {why}: it is no backup of a store.")
        upgrade(engine)
        with SqlStore(engine).begin() as work:
            work.sending.switch(Switch(stopped=True, by=by, at=at, reason=why))
        with our_errors(), engine.begin() as connection:
            last = connection.scalar(select(func.max(EVENTS.c.number))) or 0
            connection.execute(update(CURSORS).values(event=last))
            for table, states, now in (
                (LEDGER, (IntentState.ARMED, IntentState.SENDING), IntentState.UNKNOWN),
                (APPROVALS, (ApprovalState.PENDING, ApprovalState.APPROVED), ApprovalState.EXPIRED),
                (OUTBOX, (OutboxState.WAITING,), OutboxState.SUPERSEDED),
            ):
                rows = select(table.c.number, table.c.document).where(table.c.state.in_(states))
                for number, document in connection.execute(rows).all():
                    changed = {"state": now.value, "document": {**document, "state": now.value}}
                    same = table.c.number == number
                    connection.execute(update(table).where(same).values(**changed))
        with our_errors(), engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        engine.dispose()
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)


def _opened(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise StoreError(f"There is no store at {path}.")
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
