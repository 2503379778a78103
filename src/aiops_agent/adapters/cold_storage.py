"""Cases that became part of another, one JSON document a line in a file of the state folder."""

import fcntl
import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.postmortem import KeptCase

NAME = "memory-merged.jsonl"


@dataclass(frozen=True)
class ColdFile:
    """ports.archive.ColdStorage on a file. A line torn by a kill tells of nothing."""

    file: Path

    def put(self, cases: Sequence[KeptCase]) -> None:
        """Append them; on the disk when it returns. Raises StoreError."""
        with self._alone(), os.fdopen(self._opened(os.O_APPEND), "a", encoding="utf-8") as file:
            if file.tell() and not self._whole():
                file.write("\n")
            for one in cases:
                file.write(json.dumps(one.document()) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self, ids: Collection[str]) -> tuple[KeptCase, ...]:
        """Return those of these ids, each as it was put last. Raises StoreError."""
        with self._alone():
            found = {name: line for line, name in self._lines() if name in ids}
        return tuple(KeptCase.of(json.loads(line)) for line in found.values())

    def remove(self, ids: Collection[str]) -> None:
        """Remove those of these ids; every other line stays as it is. Raises StoreError."""
        with self._alone():
            if not any(name in ids for _, name in self._lines()):
                return
            rest = self.file.with_name(f"{self.file.name}.new")
            with os.fdopen(self._opened(os.O_TRUNC, rest), "w", encoding="utf-8") as file:
                file.writelines(line for line, name in self._lines() if name not in ids)
                file.flush()
                os.fsync(file.fileno())
            rest.replace(self.file)

    def _lines(self) -> Iterator[tuple[str, str]]:
        """Yield each line with the id of its case; "" for one that is torn."""
        if not self.file.exists():
            return
        with self.file.open(encoding="utf-8") as file:
            for line in file:
                try:
                    yield line, str(json.loads(line)["case"]["id"])
                except (ValueError, KeyError, TypeError):
                    yield line, ""  # torn by a kill: what it told of was not merged yet

    def _whole(self) -> bool:
        with self.file.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def _opened(self, how: int, path: Path | None = None) -> int:
        return os.open(path or self.file, os.O_WRONLY | os.O_CREAT | how, 0o600)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only process at the file: an append while it is written anew would be lost."""
        try:
            beside = self.file.with_name(f"{self.file.name}.lock")
            lock = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                # Guards the file against another process's append while it is written anew.
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            finally:
                os.close(lock)
        except OSError as error:
            raise StoreError(f"{self.file} cannot be written: {error.strerror}.") from error
