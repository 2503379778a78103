"""Which address answers what."""

from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.interfaces.http.inward import Guard, bearer_guard, body_of
from aiops_agent.interfaces.http.served import Counted, Served

MAX_AT_ONCE = 256  # bodies held in memory; beyond it a sender is asked to come again
_BODY_UNREAD = (401, 408, 413, 503)  # hang up, or the sender waits to send the rest of it
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def make_app(service: Served, *, tokens_required: bool, metrics: Counted) -> FastAPI:
    """Return the application. Health and metrics need no token; they hold counts only.

    Without `tokens_required` (on loopback) a token is asked for as soon as there is one.
    Never answers with a redirect: Alertmanager would follow it as a GET and lose the alert.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    guard = bearer_guard(service.authorised, needed=lambda: tokens_required or service.guarded())
    alerts, pages = _Alerts(service, guard, metrics), _Pages(service, guard, metrics)
    for path in ("/api/v1/alertmanager", "/api/v1/alertmanager/"):
        app.add_api_route(path, alerts.alertmanager, methods=["POST"])
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
    app.add_exception_handler(UsageError, _unknown)
    app.add_exception_handler(StoreError, _unavailable)
    # border: whatever else fails is answered here, and logged by the server with its trace.
    app.add_exception_handler(Exception, _failed)
    return app


class _Alerts:
    """Takes alerts in: 200 means that they are on the disk."""

    def __init__(self, service: Served, guard: Guard, metrics: Counted) -> None:
        self._service = service
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
            kept = await run_in_threadpool(self._service.take, "alertmanager", body)
        finally:
            self._at_once -= 1
        self._metrics.received(kept)
        return _json(_receipt(kept))


def _receipt(kept: Delivery) -> dict[str, Any]:
    # A rejected body is answered 200 too: after a 4xx the same body comes back for ever.
    receipt = {"kept": kept.id, "alerts": len(kept.alerts), "seen": kept.seen}
    if kept.truncated:
        receipt["truncated"] = kept.truncated
    return {**receipt, "rejected": kept.rejected} if kept.rejected else receipt


class _Pages:
    """What can be looked at."""

    def __init__(self, service: Served, guard: Guard, metrics: Counted) -> None:
        self._service = service
        self._guard = guard
        self._metrics = metrics

    async def health(self) -> Response:
        """Say that the process answers."""
        return _json({"status": "ok"})

    async def ready(self) -> Response:
        """Say whether alerts can be taken."""
        ready, why = await run_in_threadpool(self._service.ready)
        return _json({"ready": ready, "why": why}, 200 if ready else 503)

    async def counts(self) -> Response:
        """Return our own metrics."""
        text = await run_in_threadpool(self._metrics.render)
        return Response(text, media_type=PROMETHEUS_TEXT)

    async def incidents(
        self,
        request: Request,
        environment: str | None = None,
        open: bool = False,  # noqa: A002 -- the name in the address
        before: str = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """Return incidents in short, newest first; `before` an incident continues a list."""
        await self._guard(request)
        found = await run_in_threadpool(
            self._service.incidents,
            environment=_named(environment),
            open_only=open,
            before=before,
            limit=limit,
        )
        return _json({"incidents": [incident.document() for incident in found]})

    async def incident(self, request: Request, incident_id: str) -> Response:
        """Return one incident."""
        await self._guard(request)
        found = await run_in_threadpool(self._service.incident, incident_id)
        return _json(found.document())


def _named(environment: str | None) -> EnvironmentRef | None:
    try:
        return EnvironmentRef.parse(environment) if environment else None
    except ValueError as error:
        raise HTTPException(400, f"environment: {error}.") from error


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = _json({"error": error.detail}, error.status_code)
    answer.headers.update(error.headers or {})
    if error.status_code in _BODY_UNREAD:
        answer.headers["Connection"] = "close"
    return answer


async def _misasked(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    what = "; ".join(f"{found['loc'][-1]}: {found['msg']}" for found in error.errors())
    return _json({"error": what}, 400)


async def _unknown(_request: Request, error: Exception) -> Response:
    return _json({"error": str(error)}, 404)


async def _unavailable(_request: Request, error: Exception) -> Response:
    return _json({"error": str(error)}, 503)


async def _failed(_request: Request, _error: Exception) -> Response:
    return _json({"error": "A defect of ours; the server's log has its trace."}, 500)
