"""A planted defect: an executor that acts first and writes it down afterwards."""

from typing import Self

import pytest

from aiops_agent.domain.approval import ApprovalRequest
from aiops_agent.domain.errors import RequestRefused
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Effect, EffectState, Outcome
from aiops_agent.safety.execute import Executor, Judged
from tests import seams


def permits_all(right: Executor) -> Executor:
    """Let everything begin that was armed once: for good, this process is ours alone."""
    seams.PERMITTED.plant(pytest.MonkeyPatch(), lambda *_: None)
    return right


class RecordsAfterActing(Executor):
    """Prepares afresh, sends, and only then asks for permission and records."""

    @classmethod
    def of(cls, right: Executor) -> Self:
        """Return the same hands with the defect."""
        return cls(**vars(right))

    async def execute(self, request: ApprovalRequest, judged: Judged) -> Outcome:
        """Act, then record."""
        platform = self.platforms(request.prepared.environment)
        started, effects = self.now(), []
        for ordinal, step in enumerate(request.prepared.steps, start=1):
            fresh = await platform.prepare(step.action, f"{request.id}.{ordinal}")
            for asked in fresh.requests:
                self.mark(Point.BEFORE_SEND)
                try:
                    note, state = (await platform.send(asked)).words, EffectState.APPLIED
                except RequestRefused as error:
                    note, state = str(error), EffectState.REFUSED
                self.mark(Point.AFTER_SEND)
                effects.append(
                    Effect(
                        operation=asked.operation,
                        words=asked.words,
                        state=state,
                        note=note,
                        at=self.now(),
                    )
                )
        self._arm(request, judged)
        return Outcome(effects=tuple(effects), started=started, finished=self.now())
