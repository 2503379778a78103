"""Which routes fail, for people: that of a thousand failures all are of one path says where."""

from datetime import datetime

from aiops_agent.domain.diagnosis import Finding
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.quantity import amount
from aiops_agent.domain.telemetry import RouteErrors, ServiceName, Signal
from aiops_agent.domain.text import safe
from aiops_agent.ports.telemetry import Environment

LEAST = 0.05  # of a route's requests that fail, and of the service's failures that are its own
MOST = 3  # routes that are named


async def failing_routes(
    environment: Environment, service: ServiceName, began: datetime
) -> tuple[Finding, ...]:
    """Return a finding for each route that fails, the worst first, without ids.

    A source that tells no routes or does not answer leaves them out.
    """
    if environment.routes is None:
        return ()
    try:
        found = await environment.routes.failing(service)
        worst = [one for one in found if one.share >= LEAST and one.part >= LEAST][:MOST]
        before = await environment.routes.failing(service, began) if worst else ()
    except SourceError:
        return ()
    usual = {one.route: one.share for one in before}
    return tuple(_finding(service, one, usual.get(one.route, 0.0)) for one in worst)


def _finding(service: ServiceName, one: RouteErrors, before: float) -> Finding:
    share, part = amount(Signal.ERRORS, one.share), amount(Signal.ERRORS, one.part)
    return Finding(
        id="",
        service=service,
        what=f"failing requests of {safe(one.route, limit=80)}",
        before=f"{amount(Signal.ERRORS, before)} of them",
        now=f"{share} of them, {part} of all failures",
        source=one.source,
        query=safe(one.query, limit=400),
        changed=one.share - before >= LEAST,
        values=(round(before, 6), round(one.share, 6)),
    )
