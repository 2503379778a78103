"""Log lines on stderr: an event and its fields, with nothing in them that commands a terminal."""

import contextlib
import logging
from collections.abc import Callable

from rich.console import Console

from aiops_agent.interfaces.terminal.escape import tell

AGAIN_SECONDS = 60  # the same line is said once in so long
MANY = 1000  # different lines are remembered, then it begins anew
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Lines(logging.Handler):
    def __init__(self, console: Console, clean: Callable[[str], str], *, traces: bool) -> None:
        super().__init__()
        self._console, self._clean, self._traces = console, clean, traces
        self._said: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record; where nobody reads any more, nothing is held up by it."""
        with contextlib.suppress(OSError, ValueError):  # a broken pipe, a closed file
            self._print(record)

    def _print(self, record: logging.LogRecord) -> None:
        """Print one record as one line, and its traceback below it or its last words behind it."""
        fields = [f"{k}={v}" for k, v in vars(record).items() if k not in _USUAL]
        said = [record.levelname.lower(), record.name, record.getMessage(), *fields]
        text = self._clean(" ".join(said))
        if record.created < self._said.get(text, 0) + AGAIN_SECONDS:
            return
        self._said = {**self._said, text: record.created} if len(self._said) < MANY else {}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not self._traces:
            text = f"{text}: {self._clean(str(error).split(chr(10))[0])} (--debug shows where)"
        self._console.print(tell(text), soft_wrap=True)
        if record.exc_info and self._traces:
            trace = logging.Formatter().formatException(record.exc_info)
            for line in trace.splitlines():
                self._console.print(tell(self._clean(line)), soft_wrap=True)


def _not_our_leaving(record: logging.LogRecord) -> bool:
    # Leaving in the middle of a step is no error: the next start goes on from the one before.
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and "after shutdown" in str(error))


def log_to(console: Console, clean: Callable[[str], str], *, quiet: bool, verbose: int) -> None:
    """Send our log to a console: warnings, with -v also what happens, with -vv everything.

    `clean` takes the secrets out of each line.
    What the durable engine logs comes in the same lines, its tracebacks only with -vv: most are of
    a store that is away, which our own lines tell.
    """
    level = logging.ERROR if quiet else _LEVELS[min(verbose, len(_LEVELS) - 1)]
    traces = verbose >= len(_LEVELS) - 1
    _send("aiops_agent", level, _Lines(console, clean, traces=True))
    _send("dbos", max(level, logging.ERROR), _Lines(console, clean, traces=traces))
    logging.getLogger("dbos").addFilter(_not_our_leaving)


def _send(name: str, level: int, lines: _Lines) -> None:
    log = logging.getLogger(name)
    log.handlers[:] = [lines]
    log.setLevel(level)
    log.propagate = False
