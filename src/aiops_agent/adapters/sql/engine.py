"""Opens a database, and puts its troubles into our words."""

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from aiops_agent.adapters.sql.plain import dumps
from aiops_agent.domain.errors import SettingsError, StoreError

PATIENCE = timedelta(seconds=30)  # how long a transaction waits for its turn
_MS = int(PATIENCE.total_seconds() * 1000)
_PRAGMAS = (f"busy_timeout={_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
_KNOWS_SUBSEC = (3, 42)  # older ones answer unixepoch('subsec') with NULL
CONNECTIONS = 4  # of a process to a server; DBOS takes one more to listen, in `aiops serve`
LEASE_CONNECTIONS = 1  # of these, for the lease alone
POOL_SECONDS = 5.0  # how long a thread waits for one of them: whoever posts an alert waits too
# libpq: a server whose machine is gone is given up after 15 s, and not when the system does.
_REACHED = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# Who is stopped in the middle of a transaction holds up everybody: the server ends it. Shorter than
# a lease, so that the next owner of the stories finds no lock of the last one.
_IDLE_MS = 5_000
_MIGRATING_MS = 60_000  # it imports in between
_TURN = 4_207_110_301  # one number for all of ours: the advisory lock of the store's writer

_SIGNS = (
    (
        ("too many clients", "too many connections", "connection slots"),
        (
            "The database server has no connection left for us ({cause}); end something that uses "
            "it, or raise its max_connections: each of our processes takes at most {connections}."
        ),
    ),
    (
        ("queuepool limit",),
        (
            "The database server has answered on none of our connections for a while; see that it "
            "runs and is not overloaded, and try again."
        ),
    ),
    (
        ("is locked", "lock timeout"),
        "The store is held by another process for too long; try again when that one is done.",
    ),
    (
        ("disk is full", "no space left", "disk i/o error"),
        "The disk of the store is full or failing; free some space and try again.",
    ),
    (
        ("readonly database", "read-only transaction"),
        "The store is read-only; let this user write the file and its folder.",
    ),
    (
        ("unable to open database",),
        "The store's file cannot be opened; check that its folder exists and may be written.",
    ),
    (
        ("malformed", "not a database"),
        "The store's file is damaged or is none; put a backup back: aiops store restore BACKUP",
    ),
    (
        (
            "connection",
            "could not translate",
            "resolve host",
            "terminating",
            "password",
            "does not exist",
        ),
        "The database server does not let us in ({cause}); check its address and that it runs.",
    ),
)


def make_engine(url: str, connections: int = CONNECTIONS) -> Engine:
    """Return an engine for `sqlite:///file` or `postgresql://...`; DBOS may share it.

    SQLite's folder is made for its owner alone, and so is the file. Raises SettingsError for an
    address that is neither, StoreError when the file cannot be made.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address)
    engine = create_engine(
        address.set(drivername="postgresql+psycopg"),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
        json_serializer=dumps,
        connect_args=_REACHED,
    )
    event.listen(engine, "connect", _bound)
    return engine


def take_turn(connection: Connection, *, migrating: bool = False) -> None:
    """Begin the transaction as the only one of ours, waiting at most PATIENCE."""
    # With one transaction at a time, what was read is still true when it is written, and event
    # ids become visible in their order: a cursor never skips one.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # Once more for this transaction: behind a pooler it may be another session's.
        idle = _MIGRATING_MS if migrating else _IDLE_MS
        connection.exec_driver_sql(
            f"SELECT set_config('lock_timeout', '{_MS}', true), "
            f"set_config('idle_in_transaction_session_timeout', '{idle}', true)"
        )
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURN})")


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """Read inside as of one moment, waiting for nobody; the database refuses every write."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield
        return
    # The driver itself: by way of SQLAlchemy these words cost more than most of the reading.
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute("PRAGMA query_only=ON")
    try:
        driver.execute("BEGIN DEFERRED")
        yield
    finally:
        driver.rollback()
        driver.execute("PRAGMA query_only=OFF")  # the connection is used again


@contextmanager
def our_errors() -> Iterator[None]:
    """Raise StoreError in place of any error of the database."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:  # a snapshot asks the driver itself
        raise explained(error) from error


def explained(error: SQLAlchemyError | sqlite3.Error) -> StoreError:
    """Return the error as one sentence that says what to do."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines() or ["no reason given"]
    cause = lines[0].rstrip(".")
    for signs, words in _SIGNS:
        if any(sign in cause.lower() for sign in signs):
            return StoreError(words.format(cause=cause, connections=CONNECTIONS + 1))
    return StoreError(f"The store refused a record: {cause}.")


def _address(url: str) -> URL:
    try:
        address = make_url(url.replace("postgres://", "postgresql://", 1))
    except ArgumentError as error:
        raise SettingsError("The store's address cannot be read; try sqlite:///file.") from error
    kind = address.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise SettingsError(f"Unknown kind of store {kind!r}; known: sqlite, postgresql.")
    if kind == "sqlite" and address.database in (None, "", ":memory:"):
        raise SettingsError("A store in memory forgets everything; name a file: sqlite:///file.")
    return address


def _sqlite(address: URL) -> Engine:
    path = Path(address.database or "")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
    except OSError as error:
        why = error.strerror or "unknown reason"
        raise StoreError(f"The store {path} cannot be made or written: {why}.") from error
    engine = create_engine(address, json_serializer=dumps)
    event.listen(engine, "connect", _prepare)
    return engine


def _make(path: Path) -> None:
    """Make the file for its owner alone. One that is there is never opened here.

    To close any descriptor of a file ends all locks of this process on it (fcntl): SQLite would
    then let another process take away the log into which this one goes on to write.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        if not path.is_file():
            raise IsADirectoryError(errno.EISDIR, "it is no file") from None
        if not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None


def _bound(connection: Any, _record: object) -> None:
    """Bound every transaction of the connection, those of the durable engine too."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_MS}")
    connection.commit()  # or the pool takes it back


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    deadline = time.monotonic() + PATIENCE.total_seconds()
    for pragma in _PRAGMAS:
        # SQLite waits for nobody while a new file becomes WAL: of several starters all but one are
        # refused at once, so they try again.
        while not _set(connection, pragma, last=time.monotonic() > deadline):
            time.sleep(0.02)
    if sqlite3.sqlite_version_info < _KNOWS_SUBSEC:
        connection.create_function("unixepoch", 1, _unixepoch)


def _set(connection: Any, pragma: str, *, last: bool) -> bool:
    try:
        connection.execute(f"PRAGMA {pragma}")
    except sqlite3.OperationalError as error:
        if last or "locked" not in str(error):
            raise
        return False
    return True


def _unixepoch(modifier: str) -> float:
    """Stand in for SQLite's own: DBOS trusts that Python 3.12 comes with SQLite 3.42."""
    if modifier != "subsec":
        raise ValueError(f"unixepoch({modifier!r}) is not known to this version of SQLite.")
    return time.time()
