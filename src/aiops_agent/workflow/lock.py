"""One engine per role and store: a second one is refused with the first one's process id."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from aiops_agent.domain.errors import BusyError


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


class Lock:
    """An exclusive lock on a file, freed by the system when the process ends in any way."""

    def __init__(self, path: Path, what: str) -> None:
        self._path, self._what = path, what
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        """Take the lock, or raise BusyError with the holder's process id."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # falls with the process
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise BusyError(
                f"Process {holder} already runs {self._what} on this store; "
                "end it first, or give this one another AIOPS_STATE_DIR."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Free the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None
