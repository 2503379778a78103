"""Waiting for a store that is away: our steps, the questions, and the durable engine itself."""

import logging
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from dbos import _sys_db
from dbos import error as dbos_error
from sqlalchemy.exc import SQLAlchemyError

from aiops_agent.domain.errors import AiopsError, StoreError
from aiops_agent.domain.retry import growing, retry

log = logging.getLogger(__name__)

R = TypeVar("R")

FIRST_PAUSE = 0.2  # seconds
LONGEST_PAUSE = 15.0  # a store that came back is noticed within it
RETRY = "wrapper"  # what DBOS calls the function that tries again
DBOS_PAUSE = 5.0  # the same, for DBOS: inside it sleep the loops that start and resume stories


async def patiently(name: str, work: Callable[[], Awaitable[R]]) -> R:
    """Do the work; while the store is away, full or locked, wait and do it again, for ever."""

    def away(error: AiopsError) -> bool:
        if isinstance(error, StoreError):
            log.warning("waits for the store", extra={"step": name, "why": str(error)})
        return isinstance(error, StoreError)

    return await retry(work, when=away, pauses=growing(FIRST_PAUSE, LONGEST_PAUSE, 1.8))


@contextmanager
def our_errors() -> Iterator[None]:
    """Raise StoreError in place of what DBOS raises when its checkpoints are removed."""
    try:
        yield
    except (dbos_error.DBOSException, SQLAlchemyError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise StoreError(f"Checkpoints of ended stories cannot be removed yet: {why}.") from error


class ShortSleep:
    """The module `time`, as DBOS's database code is to know it: it tries again often enough.

    Left alone it sleeps up to 90 s between two tries, also while the process wants to end.
    """

    def __init__(self) -> None:
        self._over = threading.Event()

    @property
    def over(self) -> bool:
        """Whether the engine is closed, or about to be."""
        return self._over.is_set()

    def begin(self) -> None:
        """Let DBOS wait, from a launch on."""
        self._over.clear()

    def end(self) -> None:
        """Let nothing of DBOS wait for a database any longer."""
        self._over.set()

    def sleep(self, seconds: float) -> None:
        """Sleep; between two tries at most DBOS_PAUSE seconds, DBOSException when all is closed."""
        asks = sys._getframe(1).f_code.co_name  # noqa: SLF001 -- only this sleep is too long
        if asks != RETRY:
            time.sleep(seconds)
        elif self._over.wait(min(seconds, DBOS_PAUSE)):
            raise dbos_error.DBOSException("The engine is closed.")

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


SLEEP = ShortSleep()
_sys_db.time = SLEEP  # type: ignore[assignment, attr-defined]  # DBOS has no switch for its longest pause
