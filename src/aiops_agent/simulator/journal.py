"""The shop's durable memory: an append-only file of what it is, how late it is, what was done."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.value import Json

FILE = "journal.jsonl"


@dataclass(frozen=True)
class Created:
    """The first line: everything that the world follows from."""

    seed: int
    scenario: str
    names: dict[str, str]
    epoch: str  # when the world began, ISO 8601


@dataclass(frozen=True)
class ClockMoved:
    """The shop's time went on to `to` seconds after the epoch."""

    to: float


@dataclass(frozen=True)
class Operation:
    """Something was done to a target; `at` in seconds after the epoch."""

    id: str
    kind: ActionKind
    target: str
    wished: dict[str, str | int]
    at: float
    uid: str
    generation: tuple[int, int]  # before and after


Line = Created | ClockMoved | Operation


@dataclass
class Journal:
    """One journal file, read as far as it is written; several processes may hold it."""

    folder: Path
    lines: list[Line] = field(default_factory=list)
    _read: int = 0  # bytes

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / FILE

    def refresh(self) -> None:
        """Read the whole lines that were written since; a torn last line is not there yet."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                fresh = file.read()
        except FileNotFoundError as error:
            raise UsageError(f"There is no shop in {self.folder}; run a demo first.") from error
        whole = fresh[: fresh.rfind(b"\n") + 1]
        try:
            self.lines += [_read(json.loads(line)) for line in whole.splitlines()]
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self.path} holds a line that is not ours; start anew.") from error
        self._read += len(whole)

    def append(self, decide: Callable[[], Line | None]) -> Line | None:
        """Under the lock: read what is new, ask `decide` for a line, write it durably.

        `decide` may return None (write nothing) or raise (write nothing).
        """
        with _open(self.path, os.O_RDWR) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # two processes may live in one shop
            self.refresh()
            if os.fstat(descriptor).st_size > self._read:
                os.ftruncate(descriptor, self._read)  # the torn line of a process that died
            line = decide()
            if line is not None:
                text = _written(line)
                os.pwrite(descriptor, text, self._read)
                os.fsync(descriptor)
                self.lines.append(line)
                self._read += len(text)
            return line


@dataclass
class UnwrittenJournal(Journal):
    """A journal of this process's memory: the shop of somebody who only looks."""

    def refresh(self) -> None:
        """There is nothing to read: nobody else writes into it."""

    def append(self, decide: Callable[[], Line | None]) -> Line | None:
        """Keep the line that `decide` returns."""
        line = decide()
        if line is not None:
            self.lines.append(line)
        return line


def create(folder: Path, created: Created) -> Journal:
    """Begin a journal; raises UsageError when the folder already holds a shop."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
            os.write(descriptor, _written(created))
            os.fsync(descriptor)
    except FileExistsError as error:
        raise UsageError(f"{folder} holds a shop already; open it or name another.") from error
    with _open(folder, os.O_RDONLY) as descriptor:
        os.fsync(descriptor)
    return opened(folder)


def opened(folder: Path) -> Journal:
    """Open a journal and read it; raises UsageError when there is none."""
    journal = Journal(folder)
    journal.refresh()
    if not journal.lines or not isinstance(journal.lines[0], Created):
        raise StoreError(f"{journal.path} does not begin as a journal; start a new shop.")
    return journal


def effects(folder: Path) -> tuple[Operation, ...]:
    """Return every operation that ever took effect, oldest first."""
    return tuple(line for line in opened(folder).lines if isinstance(line, Operation))


def _written(line: Line) -> bytes:
    record = {"record": type(line).__name__.lower(), **vars(line)}
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


def _read(record: Json) -> Line:
    match record.pop("record"):
        case "created":
            return Created(**record)
        case "clockmoved":
            return ClockMoved(float(record["to"]))
        case "operation":
            before, after = record.pop("generation")
            kind = ActionKind(record.pop("kind"))
            return Operation(kind=kind, generation=(before, after), **record)
        case other:
            raise ValueError(other)


@contextmanager
def _open(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
