"""Answers and marks of a backtest in a file of JSON lines: one that was cut off costs one line."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from aiops_agent.domain.backtest import BacktestRun, PastAnswer, PersonMark, Rightness
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import BusyError, StoreError
from aiops_agent.domain.value import Value

VERSION = 1  # of a line; lines of another are passed over
_KINDS: dict[str, type[PastAnswer] | type[PersonMark] | type[BacktestRun]] = {
    "answer": PastAnswer,
    "mark": PersonMark,
    "run": BacktestRun,
}


@dataclass(frozen=True)
class BacktestFile:
    """The KeptAnswers port. Lines are only added; of one id the last line counts."""

    path: Path

    @classmethod
    def of(cls, folder: Path, environment: EnvironmentRef) -> "BacktestFile":
        """Return the file of an environment in a folder."""
        return cls(folder / f"{environment.kind}-{environment.name}.jsonl")

    def answers(self) -> dict[str, PastAnswer]:
        """Return the latest answer of each incident by its id. Raises StoreError."""
        return {one.id: one for one in self._lines() if isinstance(one, PastAnswer)}

    def marks(self) -> dict[str, Rightness]:
        """Return people's latest word by the answer's id. Raises StoreError."""
        return {one.id: one.rightness for one in self._lines() if isinstance(one, PersonMark)}

    def last_run(self) -> BacktestRun | None:
        """Return the latest run. Raises StoreError."""
        runs = [one for one in self._lines() if isinstance(one, BacktestRun)]
        return runs[-1] if runs else None

    def keep(self, one: PastAnswer | PersonMark | BacktestRun) -> None:
        """Add one as a line; raises StoreError."""
        kind = next(name for name, known in _KINDS.items() if isinstance(one, known))
        text = json.dumps({"v": VERSION, kind: one.document()}, separators=(",", ":"))
        try:
            with self._opened() as file:
                torn = os.fstat(file).st_size and os.pread(file, 1, os.fstat(file).st_size - 1)
                start = b"\n" if torn and torn != b"\n" else b""
                # One write: two processes that add at once tear no line.
                os.write(file, start + text.encode() + b"\n")
                os.fsync(file)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror}.") from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the file for one run; raises BusyError while another one holds it, or StoreError."""
        with ExitStack() as held:
            try:
                file = held.enter_context(self._opened())
                # Two runs would ask everything twice; marks may be set meanwhile.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                told = f"Another backtest writes {self.path}; wait for it, or use --folder."
                raise BusyError(told) from None
            except OSError as error:
                raise StoreError(f"{self.path} cannot be used: {error.strerror}.") from error
            yield

    @contextmanager
    def _opened(self) -> Iterator[int]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield file
        finally:
            os.close(file)

    def _lines(self) -> Iterator[Value]:
        try:
            text = self.path.read_text("utf-8", "replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read: {error.strerror}.") from error
        for line in text.splitlines():
            if (found := _read(line)) is not None:
                yield found


def _read(line: str) -> Value | None:
    """Return what a line holds; None for one that is torn or of another version."""
    try:
        document = json.loads(line)
        if not isinstance(document, dict) or document.get("v") != VERSION:
            return None
        kind = next((name for name in _KINDS if name in document), "")
        return _KINDS[kind].of(document[kind]) if kind else None
    except (ValueError, ValidationError):
        return None
