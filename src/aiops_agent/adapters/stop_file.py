"""The file `STOP` in the state folder: while it lies there nothing is sent, store or no store."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.text import safe

NAME = "STOP"
_MOST = 200  # characters of a reason


@dataclass(frozen=True)
class StopFile:
    """Looks whether it is there; whatever bears the name counts, also an empty file or a link."""

    path: Path

    def __call__(self) -> str:
        """Return why nothing may be sent: the file's first line, or that it cannot be looked for.

        "" when it is not there.
        """
        try:
            os.lstat(self.path)
        except FileNotFoundError:
            return ""
        except OSError as error:  # what cannot be seen may be there
            return f"whether there is a file {self.path} cannot be seen ({error.strerror})"
        why = self._reason()
        return f"stopped by the file {self.path}{f': {why}' if why else ''}"

    def put(self, by: str, at: datetime, reason: str) -> None:
        """Stop by the file, which says who, when and why; raises StoreError when it cannot be."""
        text = f"{by} at {at:%Y-%m-%d %H:%M:%S} UTC{f': {reason}' if reason else ''}\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.lstat(self.path)  # it stops already, and says of whom
        except FileNotFoundError:
            self._write(text)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror}.") from error

    def _write(self, text: str) -> None:
        try:
            self.path.write_text(text, encoding="utf-8", errors="replace")
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror}.") from error

    def _reason(self) -> str:
        """Return the first line of a plain file; a pipe or a device is not waited for."""
        try:
            if not self.path.is_file():
                return ""
            with self.path.open("rb") as file:
                text = file.read(4 * _MOST).decode("utf-8", "replace")
        except OSError:
            return ""
        return safe(next(iter(text.splitlines()), "").strip()[:_MOST])
