"""Alerts come in: 200 means that they are on the disk."""

from typing import Any

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from aiops_agent.domain.alert import Delivery
from aiops_agent.interfaces.http.inward import Guard, as_json, body_of
from aiops_agent.interfaces.http.metrics import Metrics
from aiops_agent.workflow.intake import Intake

MAX_AT_ONCE = 256  # bodies held in memory; beyond it a sender is asked to come again


class AlertEndpoint:
    """Takes alerts in: 200 means that they are on the disk."""

    def __init__(self, intake: Intake, guard: Guard, metrics: Metrics) -> None:
        self._intake = intake
        self._guard = guard
        self._metrics = metrics
        self._at_once = 0

    async def alertmanager(self, request: Request) -> Response:
        """Keep what an Alertmanager posts."""
        await self._guard(request)
        if self._at_once >= MAX_AT_ONCE:
            raise HTTPException(503, "Too many bodies at once; send it again.")
        self._at_once += 1
        try:
            body = await body_of(request)
            kept = await run_in_threadpool(self._intake.take, "alertmanager", body)
        finally:
            self._at_once -= 1
        self._metrics.received(kept)
        return as_json(_receipt(kept))


def _receipt(kept: Delivery) -> dict[str, Any]:
    # A rejected body is answered 200 too: after a 4xx the same body comes back for ever.
    receipt = {"kept": kept.id, "alerts": len(kept.alerts), "seen": kept.seen}
    if kept.truncated:
        receipt["truncated"] = kept.truncated
    return {**receipt, "rejected": kept.rejected} if kept.rejected else receipt
