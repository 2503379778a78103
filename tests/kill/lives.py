"""A nursery seen from outside: it lives one process of a job after the other."""

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kill.job import Job

ROOT = Path(__file__).parents[2]


class Nursery:
    """One forking process; it runs one victim at a time."""

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.kill.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Let it end: it has no more jobs."""
        self._process.communicate()

    def run(self, job: Job) -> int:
        """Run one process of the job and return its exit code; one that hangs is an error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(job.write())
        self._process.stdin.flush()
        return int(self._process.stdout.readline() or 1)
