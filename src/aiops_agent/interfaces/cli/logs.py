"""Log lines on stderr: an event and its fields, with nothing in them that commands a terminal."""

import logging

from rich.console import Console

from aiops_agent.interfaces.terminal.escape import tell

AGAIN_SECONDS = 60  # the same line is said once in so long
MANY = 1000
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Lines(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._said: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record as one line, and its traceback below it."""
        fields = [f"{k}={v}" for k, v in vars(record).items() if k not in _USUAL]
        text = " ".join([record.levelname.lower(), record.name, record.getMessage(), *fields])
        if record.created < self._said.get(text, 0) + AGAIN_SECONDS:
            return
        self._said = {**self._said, text: record.created} if len(self._said) < MANY else {}
        self._console.print(tell(text), soft_wrap=True)
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
            for line in trace.splitlines():
                self._console.print(tell(line), soft_wrap=True)


def _not_our_leaving(record: logging.LogRecord) -> bool:
    # Leaving in the middle of a step is no error: the next start goes on from the one before.
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and "after shutdown" in str(error))


def log_to(console: Console, *, quiet: bool, verbose: int) -> None:
    """Send our log to a console: warnings, with -v also what happens, with -vv everything."""
    level = logging.ERROR if quiet else _LEVELS[min(verbose, len(_LEVELS) - 1)]
    logging.getLogger("dbos").addFilter(_not_our_leaving)
    log = logging.getLogger("aiops_agent")
    log.handlers[:] = [_Lines(console)]
    log.setLevel(level)
    log.propagate = False
