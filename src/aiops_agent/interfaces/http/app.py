"""Which address answers what."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.interfaces.http.inward import Guard, as_json, bearer_guard, json_of
from aiops_agent.interfaces.http.metrics import MetricsExporter
from aiops_agent.interfaces.http.pages import Pages, health, ready
from aiops_agent.interfaces.http.room import LARGE, Hall
from aiops_agent.interfaces.http.visitor import HOME, Doorstep
from aiops_agent.workflow.intake import Intake
from aiops_agent.workflow.queries import Queries
from aiops_agent.workflow.ready import Readiness

# Hang up, or the sender waits to send the rest of it.
_BODY_UNREAD = (400, 401, 403, 408, 413, 415, 503)


def make_app(
    queries: Queries,
    intake: Intake,
    readiness: Readiness,
    *,
    tokens_required: bool,
    metrics: MetricsExporter,
    doorstep: Doorstep = HOME,
) -> FastAPI:
    """Return the application. Health and metrics need no token; they hold counts only.

    Without `tokens_required` (on loopback) a token is asked for as soon as there is one, and
    until then `doorstep` says who comes in.
    Never answers with a redirect: Alertmanager would follow it as a GET and lose the alert.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    room = Hall()
    needed = lambda: tokens_required or queries.guarded()  # noqa: E731 -- two words of one line
    guard = bearer_guard(queries.token, room, needed=needed, doorstep=doorstep)
    alerts = AlertEndpoint(intake, guard, metrics, room)
    pages = Pages(queries, guard, metrics)
    for source in intake.decoders:
        for path in (f"/api/v1/{source}", f"/api/v1/{source}/", f"/api/v1/{source}/{{name}}"):
            app.add_api_route(path, alerts.of(source), methods=["POST"])
    for path, page in (
        ("/healthz", health),
        ("/readyz", partial(ready, readiness.look)),
        ("/metrics", pages.counts),
        ("/api/v1/incidents", pages.incidents),
        ("/api/v1/incidents/{incident_id}", pages.incident),
    ):
        app.add_api_route(path, page, methods=["GET", "HEAD"])
    app.add_middleware(OneLength)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _misasked)
    app.add_exception_handler(UsageError, _ours)
    app.add_exception_handler(StoreError, _ours)
    # border: whatever else fails is answered here, and logged by the server with its trace.
    app.add_exception_handler(Exception, _failed)
    return app


def make_health_app(look: Callable[[], Awaitable[tuple[bool, str]]]) -> FastAPI:
    """Return an application that says how a process is and nothing else, to anybody."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_api_route("/healthz", health, methods=["GET", "HEAD"])
    app.add_api_route("/readyz", partial(ready, look), methods=["GET", "HEAD"])
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


class OneLength:
    """Refuses a request whose end two programs may see in two places, and hangs up."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400, or let the application answer."""
        app = self._app
        if scope["type"] == "http":
            names = [name for name, _ in scope["headers"]]
            lengths, codings = names.count(b"content-length"), names.count(b"transfer-encoding")
            old = scope.get("http_version") == "1.0"  # has no chunks: a proxy sees no end
            if lengths + codings > 1 or (codings and old):
                text = "Content-Length and Transfer-Encoding: send one of them, once."
                app = as_json({"error": text}, 400)
                app.headers["Connection"] = "close"
        await app(scope, receive, send)


class AlertEndpoint:
    """Takes alerts in: 200 means that they are on the disk."""

    def __init__(self, intake: Intake, guard: Guard, metrics: MetricsExporter, room: Hall) -> None:
        self._intake = intake
        self._guard = guard
        self._metrics = metrics
        self._room = room

    def of(self, source: str) -> Callable[[Request, str], Awaitable[Response]]:
        """Return what answers a sender of that kind."""

        async def take(request: Request, name: str = "") -> Response:
            """Keep what is posted; `name` is the environment in the path."""
            token = await self._guard(request)
            with self._room.place() as place:
                body = await json_of(request, place)
                keep = partial(self._intake.take, source, body, name=name, token=token)
                async with self._room.one if len(body) > LARGE else nullcontext():
                    kept = await run_in_threadpool(keep)
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
