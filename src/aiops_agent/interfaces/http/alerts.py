"""Alerts come in: 200 means that they are on the disk."""

from collections.abc import Awaitable, Callable
from functools import partial
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

    def of(self, source: str) -> Callable[[Request, str], Awaitable[Response]]:
        """Return what answers a sender of that kind."""

        async def take(request: Request, name: str = "") -> Response:
            return await self._take(source, request, name)

        return take

    async def _take(self, source: str, request: Request, name: str) -> Response:
        """Keep what is posted; `name` is the environment in the path."""
        token = await self._guard(request)
        if self._at_once >= MAX_AT_ONCE:
            raise HTTPException(503, "Too many bodies at once; send it again.")
        self._at_once += 1
        try:
            body = await body_of(request)
            take = partial(self._intake.take, source, body, name=name, token=token)
            kept = await run_in_threadpool(take)
        finally:
            self._at_once -= 1
        for delivery in kept:
            self._metrics.received(delivery)
        return as_json(_receipt(kept))


def _receipt(kept: tuple[Delivery, ...]) -> dict[str, Any]:
    # A rejected body is answered 200 too: after a 4xx the same body comes back for ever.
    first, alerts = kept[0], sum(len(delivery.alerts) for delivery in kept)
    receipt: dict[str, Any] = {"kept": first.id, "alerts": alerts, "seen": first.seen}
    if first.truncated:
        receipt["truncated"] = first.truncated
    if first.rejected:
        receipt["rejected"] = first.rejected
    if unclaimed := " ".join(one.unclaimed for one in kept if one.unclaimed):
        receipt["unclaimed"] = unclaimed
    return receipt
