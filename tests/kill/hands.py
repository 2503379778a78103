"""Executors of their own beside a job's story: each that dies is followed by another one."""

import os
import signal
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kill.job import Job
from tests.kill.lives import Nursery


class Hands:
    """Keeps the executors of a job alive while inside; none where the story sends by itself."""

    def __init__(self, job: Job) -> None:
        self._job = replace(job, sends=True)
        self._gone = threading.Event()
        self._threads = [threading.Thread(target=self._keep) for _ in range(job.executors)]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End those that live, and start no more."""
        self._gone.set()
        for thread in self._threads:
            while thread.is_alive():
                self._end()
                thread.join(0.2)

    def _keep(self) -> None:
        with Nursery() as nursery:
            while not self._gone.is_set():
                nursery.run(self._job)

    def _end(self) -> None:
        for file in Path(self._job.folder).glob("executor-*"):
            with suppress(ProcessLookupError):
                os.kill(int(file.name.removeprefix("executor-")), signal.SIGKILL)
            file.unlink(missing_ok=True)
