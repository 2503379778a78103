"""Which address answers what."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.interfaces.http.alerts import AlertEndpoint
from aiops_agent.interfaces.http.inward import as_json, bearer_guard
from aiops_agent.interfaces.http.metrics import Metrics
from aiops_agent.interfaces.http.pages import Pages
from aiops_agent.workflow.intake import Intake
from aiops_agent.workflow.queries import Queries

_BODY_UNREAD = (401, 408, 413, 503)  # hang up, or the sender waits to send the rest of it


def make_app(
    queries: Queries, intake: Intake, *, tokens_required: bool, metrics: Metrics
) -> FastAPI:
    """Return the application. Health and metrics need no token; they hold counts only.

    Without `tokens_required` (on loopback) a token is asked for as soon as there is one.
    Never answers with a redirect: Alertmanager would follow it as a GET and lose the alert.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    guard = bearer_guard(queries.token, needed=lambda: tokens_required or queries.guarded())
    alerts, pages = (
        AlertEndpoint(intake, guard, metrics),
        Pages(queries, guard, metrics, intake.ready),
    )
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
    app.add_exception_handler(UsageError, _unknown)
    app.add_exception_handler(StoreError, _unavailable)
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


async def _unknown(_request: Request, error: Exception) -> Response:
    return as_json({"error": str(error)}, 404)


async def _unavailable(_request: Request, error: Exception) -> Response:
    return as_json({"error": str(error)}, 503)


async def _failed(_request: Request, _error: Exception) -> Response:
    return as_json({"error": "A defect of ours; the server's log has its trace."}, 500)
