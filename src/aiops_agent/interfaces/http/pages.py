"""What can be looked at; nothing here can change anything."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.token import Token
from aiops_agent.interfaces.http.inward import Guard, as_json
from aiops_agent.interfaces.http.metrics import MetricsExporter
from aiops_agent.workflow.queries import Queries

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


async def health() -> Response:
    """Say that the process answers."""
    return as_json({"status": "ok"})


async def ready(look: Callable[[], Awaitable[tuple[bool, str]]]) -> Response:
    """Say whether work can be done; `look` tells, and what hinders it."""
    can, why = await look()
    return as_json({"ready": can, "why": why}, 200 if can else 503)


@dataclass(frozen=True)
class Pages:
    """What can be looked at."""

    queries: Queries
    guard: Guard
    metrics: MetricsExporter

    async def counts(self) -> Response:
        """Return our own metrics."""
        return Response(await self.metrics.render(), media_type=PROMETHEUS_TEXT)

    async def incidents(
        self,
        request: Request,
        environment: str | None = None,
        open: bool = False,  # noqa: A002 -- the name in the address
        before: str = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """Return incidents in short, newest first; `before` an incident continues a list."""
        scope = _scope(await self.guard(request), _named(environment))
        listed = partial(self.queries.incidents, open_only=open, before=before, limit=limit)
        lists = [await run_in_threadpool(listed, environment=one) for one in scope]
        found = [incident for one in lists for incident in one]
        found.sort(key=lambda one: (len(one.id), one.id), reverse=True)
        return as_json({"incidents": [incident.document() for incident in found[:limit]]})

    async def incident(self, request: Request, incident_id: str) -> Response:
        """Return one incident with its alerts."""
        token = await self.guard(request)
        found = await run_in_threadpool(self.queries.incident, incident_id)
        _scope(token, found.environment)
        alerts = await run_in_threadpool(self.queries.alerts, found.id)
        return as_json({**found.document(), **alerts.told()})


def _scope(token: Token | None, wanted: EnvironmentRef | None) -> tuple[EnvironmentRef | None, ...]:
    """Return the environments to read, None for all; raises 403 beyond those of the token."""
    own = token.environments if token else ()
    if wanted is None:
        return own or (None,)
    if own and wanted not in own:
        raise HTTPException(403, f"This token may not address {wanted}.")
    return (wanted,)


def _named(environment: str | None) -> EnvironmentRef | None:
    try:
        return EnvironmentRef.parse(environment) if environment else None
    except ValueError as error:
        raise HTTPException(400, f"environment: {error}.") from error
