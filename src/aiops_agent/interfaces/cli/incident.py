"""`aiops incident ...`, `aiops events ...`: what happened, what happens, and going on with it."""

import asyncio
import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.event import schema
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import DiagnosisReady
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called, documents
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.follow import Following, Manner, manner
from aiops_agent.interfaces.cli.inbox import waiting_note
from aiops_agent.interfaces.terminal import finding as one_finding
from aiops_agent.interfaces.terminal import listing, page

app = typer.Typer(no_args_is_help=True, help="Show, follow and manage incidents.")
events = typer.Typer(no_args_is_help=True, help="Describe events, for programs that read them.")

IncidentArgument = Annotated[str, typer.Argument(metavar="INC", help="Such as INC-0001.")]


@app.command("list")
def show_list(
    context: typer.Context,
    open_only: Annotated[
        bool, typer.Option("--open", help="Only incidents that have not ended.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of rows.")] = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List incidents, newest first."""
    call = called(context)
    found = call.queries.incidents(open_only=open_only, limit=limit)
    call.answer(output, documents(found), lambda width: listing.incidents(found, width))
    if waits := waiting_note(call):
        call.note(waits)


FindingArgument = Annotated[
    str, typer.Argument(metavar="[E3]", help="One finding of its evidence, with its chart.")
]
AttemptOption = Annotated[
    int | None, typer.Option("--attempt", min=1, help="Of which attempt; else the newest.")
]


@app.command()
def show(
    context: typer.Context,
    incident: IncidentArgument,
    finding: FindingArgument = "",
    attempt: AttemptOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one incident: alerts, evidence, cause, actions, timeline; or one finding of it.

    A finding comes with its course, its numbers, what it says of each cause, and its query.
    """
    call = called(context)
    queries = call.queries
    found = queries.incident(incident)
    if finding:
        _show_finding(call, found, finding, attempt, output)
        return
    alerts, told = queries.alerts(found.id), queries.events(0, found.id)
    events = [event.public() for event in told]
    data = {**found.document(), **alerts.told(), "events": events}
    call.answer(output, data, lambda width: page.incident(found, told, width, alerts))


def _show_finding(
    call: Call, incident: Incident, name: str, number: int | None, output: Output
) -> None:
    made = [one for one in incident.attempts if one.diagnosis and number in (None, one.number)]
    diagnosis = made[-1].diagnosis if made else None
    if diagnosis is None:
        which = f" in attempt {number}" if number else " yet"
        raise UsageError(
            f"{incident.id} has no diagnosis{which}; see: aiops incident show {incident.id}."
        )
    by_id = {one.id: one for one in diagnosis.findings}
    shown = by_id.get(name.upper())
    if shown is None:
        there = f"has {', '.join(by_id)}" if by_id else "has no findings"
        raise UsageError(f"{incident.id} {there}, and no {name!r}.")
    of = f"{incident.id}, attempt {made[-1].number}"
    if (told := _told_at(call, incident, made[-1].number)) is not None:
        of += f", found at {told:%Y-%m-%d %H:%M:%S} UTC"
    data = {
        "incident": incident.id,
        "attempt": made[-1].number,
        "finding": shown.document(),
        "window": diagnosis.shown.document() if diagnosis.shown else None,
        "began": diagnosis.began.isoformat() if diagnosis.began else None,
        "confidence": diagnosis.confidence.value,
        "certainty": diagnosis.certainty.document(),
        "says": [
            {"cause": cause.key, **piece.document()}
            for cause in diagnosis.hypotheses
            for piece in cause.evidence
            if piece.finding == shown.id
        ],
    }
    call.answer(output, data, lambda width: one_finding.finding(of, shown, diagnosis, width))
    for line in one_finding.query(shown) if output is Output.TABLE else ():
        call.out.print(line, soft_wrap=True)


def _told_at(call: Call, incident: Incident, number: int) -> datetime | None:
    """Return when the diagnosis of an attempt was made, in environment time."""
    for event in call.queries.history(incident.id):
        made = event.payload
        if isinstance(made, DiagnosisReady) and made.attempt == number:
            return event.at
    return None


@app.command()
def watch(context: typer.Context, incident: IncidentArgument) -> None:
    """Follow an incident that another process works on."""
    call = called(context)
    found = call.queries.incident(incident)
    if not found.ended and call.records.leader(_role(found)) is None:
        goes_on = call.command("incident", "resume", found.id)
        call.note(f"No process works on {found.id}. To go on: {goes_on}")
    how = Manner.WATCH if call.interactive else Manner.LEAVE
    raise typer.Exit(call.run(Following(call, found.id, how).run()))


@app.command()
def resume(context: typer.Context, incident: IncidentArgument) -> None:
    """Resume an incident that no process is working on."""
    call = called(context)
    raise typer.Exit(call.run(_resume(call, incident)))


async def _resume(call: Call, name: str) -> Exit:
    found = await asyncio.to_thread(call.queries.incident, name)
    if found.ended:
        return await Following(call, found.id, Manner.LEAVE).run()
    async with call.application.engine(_role(found)) as engine:
        await engine.start(found.id)
        return await Following(call, found.id, manner(call), engine).run()


@app.command()
def note(
    context: typer.Context,
    incident: IncidentArgument,
    text: Annotated[str, typer.Argument(help='Such as "it is not the database".')],
) -> None:
    """Tell the agent what you think; models read it as an opinion."""
    call = called(context)
    noted = call.application.commands.note(incident, call.user, text)
    call.note(f"Kept with {noted.id}: the next question reads it as a person's opinion.")


class Judgement(StrEnum):
    """What a person says of an ended incident."""

    RIGHT = "right"
    WRONG = "wrong"


@app.command()
def rate(
    context: typer.Context,
    incident: IncidentArgument,
    verdict: Annotated[Judgement, typer.Argument(help="Whether the agent was right.")],
    cause: Annotated[
        CauseKind | None, typer.Option(help="What it really was, if you know.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it is found by its words.")] = "",
) -> None:
    """Say whether the agent was right about an ended incident: memory weighs it."""
    call = called(context)
    right = verdict is Judgement.RIGHT
    casebook = call.casebook
    rated = casebook.rate(incident, call.user, right=right, cause=cause, words=reason)
    counts = "counts as before" if right else "is no longer counted for or against an action"
    call.note(f"Kept with {rated.id}; what was tried there {counts}.")


def _role(incident: Incident) -> str:
    return "shop" if incident.environment.simulated else "serve"


@app.command()
def close(
    context: typer.Context,
    incident: IncidentArgument,
    takeover: Annotated[
        bool, typer.Option("--takeover", help="Stop the agent: a person takes it from here.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; it goes into the report.")] = "",
) -> None:
    """Stop the agent on an incident; a person takes over."""
    call = called(context)
    found = call.queries.incident(incident)
    if found.ended:
        call.note(f"{found.id} has ended already: {found.status}.")
        return
    if not takeover:
        command = call.command("incident", "close", found.id, "--takeover")
        raise UsageError(
            f"{found.id} is {found.status}; only its end closes it. To stop the agent and take "
            f"it over: {command}"
        )
    call.application.commands.take_over(found.id, call.user, reason)
    call.note(f"{found.id} is yours: the agent sends nothing new and escalates it.")


@app.command()
def reopen(
    context: typer.Context,
    incident: IncidentArgument,
    reason: Annotated[str, typer.Option(help="Why; it is told with the incident.")] = "",
) -> None:
    """Reopen an incident that has ended; it starts again at triage."""
    call = called(context)
    found = call.application.commands.reopen(incident, call.user, reason)
    goes_on = call.command("incident", "resume", found.id)
    call.note(f"{found.id} is open again; `aiops serve` goes on with it, else: {goes_on}")


@app.command()
def split(
    context: typer.Context,
    incident: IncidentArgument,
    alerts: Annotated[
        list[str],
        typer.Argument(metavar="ALERT...", help="Names, or first digits of keys (incident show)."),
    ],
    reason: Annotated[str, typer.Option(help="Why; it is told with both incidents.")] = "",
) -> None:
    """Move alerts to a new incident: they do not share a cause.

    A plan that waits for approval is withdrawn and made anew.
    """
    call = called(context)
    made = call.application.commands.split(incident, alerts, call.user, reason)
    goes_on = call.command("incident", "resume", made.id)
    call.note(f"{made.id} has those alerts; `aiops serve` works on it, else: {goes_on}")


@app.command()
def merge(
    context: typer.Context,
    incident: IncidentArgument,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The incident that goes on.")],
    reason: Annotated[str, typer.Option(help="Why; it is told with both incidents.")] = "",
) -> None:
    """Move all alerts of an incident to another one: they share a cause.

    The first incident ends. A plan that waits for approval is withdrawn; INTO gets a new one.
    """
    call = called(context)
    kept = call.application.commands.merge(incident, into, call.user, reason)
    call.note(f"{kept.id} has all alerts of {incident.upper()}, which ends.")


@events.command("schema")
def show_schema() -> None:
    """Print the JSON Schema of one event."""
    print(json.dumps(schema(), indent=2))


@events.callback()
def _group() -> None:
    """Keep `schema` a command of its own."""
