"""A person in another process: answers what waits, once wrongly, and clicks twice."""

import contextlib
import threading
from types import TracebackType
from typing import Self

from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.approval import ApprovalState, Surface
from aiops_agent.domain.errors import AiopsError, ApprovalError
from aiops_agent.domain.point import Point
from tests.kill.job import Job

PAUSE_SECONDS = 0.1


class Person:
    """Says yes to every plan of a job, whether its process lives or not."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._stay)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Go home."""
        self._gone.set()
        self._thread.join()

    def _stay(self) -> None:
        desk = application(self._job.settings(), Overrides(now=self._job.now))
        while not self._gone.wait(PAUSE_SECONDS):
            if not self._hesitates:
                with contextlib.suppress(AiopsError):  # the store was busy: look again
                    self._look(desk)
        desk.close()

    @property
    def _hesitates(self) -> bool:
        """A process that is to die while it waits must first have waited."""
        waits = [n for n, kill in enumerate(self._job.kills) if kill == Point.WAITING]
        return bool(waits) and len(self._job.died) <= waits[-1]

    def _look(self, desk: Application) -> None:
        for request in desk.queries.approvals((ApprovalState.PENDING,)):
            for plan in ("0" * 64, request.digest, request.digest):
                with contextlib.suppress(ApprovalError):
                    desk.commands.decide(
                        request.id,
                        approve=True,
                        by="a person",
                        surface=Surface.COMMAND,
                        plan=plan,
                    )
