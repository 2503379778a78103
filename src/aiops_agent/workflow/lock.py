"""One engine per role and SQLite file: a second one is refused with the first one's process id."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiops_agent.domain.errors import BusyError


def beside(database: Path, role: str) -> Path:
    """Return where the lock of a role lies: beside the file, also when a link names it."""
    real = database.resolve()
    return real.with_name(f"{real.name}.{role}.lock")


def holder(path: Path) -> str:
    """Return the process id that holds the lock at `path`, or "" when nobody does."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # only asked, let go at once
    except FileNotFoundError:
        return ""
    except BlockingIOError:
        return path.read_text().strip() or "unknown"
    return ""


@contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Hold an exclusive lock on a file, or raise BusyError with the holder's process id."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # falls with the process
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise BusyError(
                f"Process {holder} already runs {what} on this store; "
                "end it first, or name another store."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
