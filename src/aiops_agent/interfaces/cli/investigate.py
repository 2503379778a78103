"""`aiops investigate`: what is the matter, and how do we know? It changes and keeps nothing."""

import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.duration import duration
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.investigated import Investigated
from aiops_agent.domain.quantity import money
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.terminal.investigated import investigated

if TYPE_CHECKING:
    from aiops_agent.bootstrap.looking import Looking, ReadablePlace
    from aiops_agent.domain.alert import Alert

STDIN = "-"
MOST_BYTES = 16 * 2**20  # of what is read; more is refused, and needs not be read to know it
LONGEST = timedelta(hours=24)  # that a beginning is looked for: a longer look sees too coarsely

EnvironmentOption = Annotated[
    str, typer.Option("--environment", metavar="NAME", help="Where, if several are configured.")
]
PrometheusOption = Annotated[
    str, typer.Option("--prometheus", metavar="URL", help="Read this Prometheus.")
]
ScenarioOption = Annotated[
    str,
    typer.Option("--scenario", metavar="NAME", help="What is broken in the simulated shop."),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of the simulated shop.")]


@dataclass(frozen=True)
class Wanted:
    """What the line asks for."""

    file: str
    service: str
    alert: str
    environment: str
    since: timedelta | None
    fail_on: Severity | None
    model: bool
    output: Output


def investigate(  # limit: one parameter for each option
    context: typer.Context,
    *,
    file: Annotated[
        str, typer.Argument(metavar="[ALERT]", help="A file with alerts; - for stdin.")
    ] = "",
    service: Annotated[str, typer.Option(metavar="NAME", help="Look at this service.")] = "",
    alert: Annotated[
        str, typer.Option(metavar="NAME", help="Of all alerts, those of this name.")
    ] = "",
    alertmanager: Annotated[
        str, typer.Option(metavar="URL", help="Ask this Alertmanager what fires.")
    ] = "",
    prometheus: PrometheusOption = "",
    environment: EnvironmentOption = "",
    since: Annotated[
        str, typer.Option(metavar="1h", help="How far back a beginning is looked for.")
    ] = "",
    fail_on: Annotated[
        str, typer.Option(metavar="SEV2", help="Exit 3 when it is as bad as that.")
    ] = "",
    model: Annotated[
        bool, typer.Option("--model", help="Let the models of `models:` reason, too.")
    ] = False,
    scenario: ScenarioOption = "",
    seed: SeedOption = 1,
    output: OutputOption = Output.TABLE,
) -> None:
    """Find the cause of an alert, or of a service's trouble. Nothing is changed or kept.

    The alert comes from a file (webhook body, list or one alert), from stdin, or from what fires at
    the configured Alertmanager, else Prometheus. Without sources a simulated shop is looked at.
    """
    call = called(context)
    for key, url in (("alertmanager", alertmanager), ("prometheus", prometheus)):
        if url:
            call.overrides[f"sources.{key}.url"] = url
    wanted = Wanted(
        file=file,
        service=service,
        alert=alert,
        environment=environment,
        since=_since(since),
        fail_on=_severity(fail_on),
        model=model,
        output=output,
    )
    looking = door.looking(call.settings, scenario=scenario, seed=seed)
    raise typer.Exit(call.run(_investigate(call, looking, wanted)))


async def _investigate(call: Call, looking: "Looking", wanted: Wanted) -> Exit:
    place, alerts = await _alerts(looking, wanted)
    found = await looking.investigate(
        place,
        service=wanted.service,
        alerts=alerts,
        alert=wanted.alert,
        since=wanted.since,
        model=wanted.model,
    )
    call.discreet.learn(looking.redactor.clean)
    call.answer(wanted.output, found.told(), lambda width: investigated(found, width))
    _notes(call, looking, found)
    return _exit(found, wanted.fail_on)


async def _alerts(looking: "Looking", wanted: Wanted) -> "tuple[ReadablePlace, tuple[Alert, ...]]":
    """Return where to look and at which alerts; a service that was named needs none."""
    if wanted.file:
        alerts = looking.decoded(*_read(wanted.file))
        return looking.place(wanted.environment, alerts), alerts
    if wanted.service and not wanted.alert:
        return looking.place(wanted.environment), ()
    return await looking.firing(wanted.environment)


def _read(file: str) -> tuple[bytes, str]:
    """Return what a person gave, and its name for a sentence; raises UsageError."""
    if file == STDIN:
        return sys.stdin.buffer.read(MOST_BYTES + 1), "stdin"
    try:
        with Path(file).open("rb") as opened:
            return opened.read(MOST_BYTES + 1), file
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}.") from error


def _notes(call: Call, looking: "Looking", found: Investigated) -> None:
    if looking.simulated:
        call.note("A simulated shop in memory: no source is configured, and nothing is kept.")
    if found.effort is not None:
        used = found.effort.usage
        asked = found.effort.beside or found.effort.by
        call.note(
            f"Asked {asked}: {used.requests} requests, {used.tokens} tokens, {money(used.cost)}; "
            "nothing of it is kept."
        )


def _exit(found: Investigated, fail_on: Severity | None) -> Exit:
    if found.diagnosis is None and found.missing:
        return Exit.OURS  # what we need to work did not answer
    seen = found.triage
    bad = seen is not None and not found.quiet and fail_on is not None
    return Exit.PROBLEMS if bad and seen and fail_on and seen.severity <= fail_on else Exit.DONE


def _since(text: str) -> timedelta | None:
    if not text:
        return None
    try:
        length = duration(text)
    except ValueError as error:
        raise UsageError(f"--since {text}: {error}.") from error
    if not timedelta() < length <= LONGEST:
        raise UsageError(f"--since {text}: between 1s and 24h can be looked back.")
    return length


def _severity(text: str) -> Severity | None:
    known = {one.value: one for one in Severity}
    if text and text.upper() not in known:
        raise UsageError(f"--fail-on {text}: there are {', '.join(known)}.")
    return known.get(text.upper())
