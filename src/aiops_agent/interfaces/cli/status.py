"""`aiops status`: how is every service now, and who waits for whom?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent import __version__
from aiops_agent.domain.approval import ApprovalState, ApprovalSummary
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import IncidentSummary, Status
from aiops_agent.domain.quantity import span
from aiops_agent.domain.service_status import EnvironmentNow
from aiops_agent.domain.value import Document
from aiops_agent.domain.watch import WatchRecord
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.investigate import (
    EnvironmentOption,
    PrometheusOption,
    ScenarioOption,
    SeedOption,
)
from aiops_agent.interfaces.terminal import status as drawn

if TYPE_CHECKING:
    from aiops_agent.bootstrap.looking import Looking

MOST_OPEN = 20  # incidents that are told; `aiops incident list --open` has them all
_WORKING = {
    Status.OPEN: "waits for the agent to begin",
    Status.DIAGNOSING: "the agent looks for the cause",
    Status.REMEDIATING: "the agent carries out what was approved",
    Status.VERIFYING: "waits for telemetry to confirm",
}


def status(
    context: typer.Context,
    *,
    environment: EnvironmentOption = "",
    prometheus: PrometheusOption = "",
    scenario: ScenarioOption = "",
    seed: SeedOption = 1,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show how each service is now beside its usual, the worst first, and who waits for whom.

    Without sources a simulated shop is shown. Services are only read; nothing is kept.
    """
    call = called(context)
    if prometheus:
        call.overrides["sources.prometheus.url"] = prometheus
    looking = door.looking(call.settings, scenario=scenario, seed=seed)
    raise typer.Exit(call.run(_status(call, looking, environment, output)))


async def _status(call: Call, looking: "Looking", environment: str, output: Output) -> Exit:
    found = await looking.status(environment)
    call.discreet.learn(looking.redactor.clean)
    stored = door.has_store(call.settings)
    shown = {one.environment for one in found}
    lines = list(_waiting(call, shown)) if stored else []
    watched = list(_watched(call, found)) if stored else []
    data: Document = {
        "apiVersion": "aiops-agent/v1",
        "environments": [one.document() for one in found],
        "incidents": [{"id": name, "waits": words} for name, words in lines] if stored else None,
        "watch": [{"environment": str(ref), **one.document()} for ref, one in watched],
    }
    told: list[RenderableType] = [drawn.watched(one) for _, one in watched]
    told += [drawn.waiting(lines)] if stored else []
    call.answer(output, data, lambda width: _drawn(found, told, width))
    if looking.simulated:
        call.note("A simulated shop in memory: no source is configured, and nothing is kept.")
    read = any(one.services for one in found)
    return Exit.DONE if read or not any(one.missing for one in found) else Exit.OURS


def _drawn(
    found: tuple[EnvironmentNow, ...], told: list[RenderableType], width: int
) -> RenderableType:
    parts = [part for one in found for part in (drawn.environment(one, width), Text(""))]
    return Group(*([*parts, *told] if told else parts[:-1]))


def _watched(
    call: Call, found: tuple[EnvironmentNow, ...]
) -> Iterator[tuple[EnvironmentRef, WatchRecord]]:
    """Yield what the watch saw of each environment, where it ever looked."""
    for one in found:
        if (record := call.queries.watched(one.environment)) is not None:
            yield one.environment, record


def _waiting(call: Call, shown: set[EnvironmentRef]) -> Iterator[tuple[str, str]]:
    """Yield each open incident, and whom it waits for; `shown` are the environments above."""
    queries, now = call.queries, datetime.now(UTC)
    asked = {one.incident: one for one in queries.approvals((ApprovalState.PENDING,))}
    found = queries.incidents(open_only=True, limit=MOST_OPEN + 1)
    for one in found[:MOST_OPEN]:
        where = one.service if one.environment in shown else f"{one.service} ({one.environment})"
        yield one.id, f"{one.severity.value} {where}: {_whom(call, one, asked, now)}"
    if len(found) > MOST_OPEN:
        yield "…", "more are open; see: aiops incident list --open"


def _whom(
    call: Call, one: IncidentSummary, asked: dict[str, ApprovalSummary], now: datetime
) -> str:
    queries, request = call.queries, asked.get(one.id)
    if request is not None:
        do = ", ".join(request.actions) or "change nothing"
        command = call.command("approval", "show", one.id)
        return f"waits for you: {do}; {span(request.expires_at - now)} left; see: {command}"
    role = "shop" if one.environment.simulated else "serve"
    if call.records.leader(role) is None:
        return f"no process works on it; go on: {call.command('incident', 'resume', one.id)}"
    if call.settings.executor.separate and not one.environment.simulated:
        away = queries.executor(one.environment, __version__, now)
        if away:
            return f"{away}; what is approved waits for it"
    return _WORKING.get(one.status, "waits for an answer")
