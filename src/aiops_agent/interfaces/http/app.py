"""Which address answers what."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.interfaces.http.inward import Guard, as_json, bearer_guard, body_of
from aiops_agent.interfaces.http.metrics import MetricsExporter
from aiops_agent.interfaces.http.pages import Pages
from aiops_agent.workflow.intake import Intake
from aiops_agent.workflow.queries import Queries

_BODY_UNREAD = (401, 408, 413, 503)  # hang up, or the sender waits to send the rest of it
MAX_AT_ONCE = 256  # bodies held in memory; beyond it a sender is asked to come again


def make_app(
    queries: Queries, intake: Intake, *, tokens_required: bool, metrics: MetricsExporter
) -> FastAPI:
    """Return the application. Health and metrics need no token; they hold counts only.

    Without `tokens_required` (on loopback) a token is asked for as soon as there is one.
    Never answers with a redirect: Alertmanager would follow it as a GET and lose the alert.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    guard = bearer_guard(queries.token, needed=lambda: tokens_required or queries.guarded())
    alerts = AlertEndpoint(intake, guard, metrics)
    pages = Pages(queries, guard, metrics, intake.ready)
    for source in intake.decoders:
        for path in (f"/api/v1/{source}", f"/api/v1/{source}/", f"/api/v1/{source}/{{name}}"):
            app.add_api_route(path, alerts.of(source), methods=["POST"])
    for path, page in (
        ("/healthz", pages.health),
        ("/readyz", pages.ready),
        ("/metrics", pages.counts),
        ("/api/v1/incidents", pages.incidents),
        ("/api/v1/incidents/{incident_id}", pages.incident),
    ):
        app.add_api_route(path, page, methods=["GET", "HEAD"])
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _misasked)
    app.add_exception_handler(UsageError, _ours)
    app.add_exception_handler(StoreError, _ours)
    # border: whatever else fails is answered here, and logged by the server with its trace.
    app.add_exception_handler(Exception, _failed)
    return app


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = as_json({"error": error.detail}, error.status_code)
    answer.headers.update(error.headers or {})
    if error.status_code in _BODY_UNREAD:
        answer.headers["Connection"] = "close"
    return answer


async def _misasked(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    what = "; ".join(f"{found['loc'][-1]}: {found['msg']}" for found in error.errors())
    return as_json({"error": what}, 400)


async def _ours(_request: Request, error: Exception) -> Response:
    return as_json({"error": str(error)}, 404 if isinstance(error, UsageError) else 503)


async def _failed(_request: Request, _error: Exception) -> Response:
    return as_json({"error": "A defect of ours; the server's log has its trace."}, 500)


class AlertEndpoint:
    """Takes alerts in: 200 means that they are on the disk."""

    def __init__(self, intake: Intake, guard: Guard, metrics: MetricsExporter) -> None:
        self._intake = intake
        self._guard = guard
        self._metrics = metrics
        self._at_once = 0

    def of(self, source: str) -> Callable[[Request, str], Awaitable[Response]]:
        """Return what answers a sender of that kind."""

        async def take(request: Request, name: str = "") -> Response:
            """Keep what is posted; `name` is the environment in the path."""
            token = await self._guard(request)
            if self._at_once >= MAX_AT_ONCE:
                raise HTTPException(503, "Too many bodies at once; send it again.")
            self._at_once += 1
            try:
                body = await body_of(request)
                keep = partial(self._intake.take, source, body, name=name, token=token)
                kept = await run_in_threadpool(keep)
            finally:
                self._at_once -= 1
            for delivery in kept:
                self._metrics.received(delivery)
            return as_json(_receipt(kept))

        return take


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
