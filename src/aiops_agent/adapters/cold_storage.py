"""Cases that became part of another, one JSON document a line in a file of the state folder."""

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
    """ports.archive.ColdStorage on a file. A line torn by a kill is left out."""

    file: Path

    def put(self, cases: Sequence[KeptCase]) -> None:
        """Append them; on the disk when it returns. Raises StoreError."""
        with self._told(), os.fdopen(self._opened(os.O_APPEND), "a", encoding="utf-8") as file:
            if file.tell() and not self._whole():
                file.write("\n")
            for one in cases:
                file.write(json.dumps(one.document()) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def take(self, ids: Collection[str]) -> tuple[KeptCase, ...]:
        """Remove those of these ids and return them, each once. Raises StoreError."""
        if not self.file.exists():
            return ()
        found: dict[str, KeptCase] = {}
        rest = self.file.with_name(f"{self.file.name}.new")
        with self._told():
            with os.fdopen(self._opened(os.O_TRUNC, rest), "w", encoding="utf-8") as file:
                for line, one in self._lines():
                    if one.case.id in ids:
                        found[str(one.case.id)] = one
                    else:
                        file.write(line)
                file.flush()
                os.fsync(file.fileno())
            rest.replace(self.file)
        return tuple(found.values())

    def _lines(self) -> Iterator[tuple[str, KeptCase]]:
        with self.file.open(encoding="utf-8") as file:
            for line in file:
                try:
                    yield line, KeptCase.of(json.loads(line))
                except ValueError:
                    continue  # torn by a kill: what it told of was not merged yet

    def _whole(self) -> bool:
        with self.file.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def _opened(self, how: int, path: Path | None = None) -> int:
        return os.open(path or self.file, os.O_WRONLY | os.O_CREAT | how, 0o600)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"{self.file} cannot be written: {error.strerror}.") from error
