"""`aiops sending ...`: stop all sending, let it begin again, open a closed service."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.adapters.stop_file import NAME, StopFile
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.sending import ServiceBreaker, Standing
from aiops_agent.domain.text import safe
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.token import configured
from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.layout import table
from aiops_agent.interfaces.terminal.palette import BAD, GOOD, QUIET, STRONG

app = typer.Typer(no_args_is_help=True, help="Stop all sending at once, or start it again.")

ReasonArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[REASON]...", help="Why; it is recorded.")
]
_MOVES = 10  # in a table


@app.command()
def stop(context: typer.Context, reason: ReasonArgument = None) -> None:
    """Stop all sending, undos too, of every process on this store, until `sending start`.

    When the store does not answer, a file STOP in the state folder does the same.
    """
    call, why = called(context), " ".join(reason or ())
    try:
        move = call.application.commands.switch(stopped=True, by=call.user, reason=why)
    except StoreError as error:
        file = _file(call)
        file.put(call.user, datetime.now(UTC), why)
        call.note(
            f"{error} So the file {file.path} stops the processes that use this folder.",
            "It holds until it is removed, also when the store is back.",
        )
        return
    call.note(safe(f"Sending is {move.words}. Nothing is sent until: {call.program} sending start"))


@app.command()
def start(context: typer.Context) -> None:
    """Start sending again; half-sent plans are then finished or rolled back."""
    call = called(context)
    move = call.application.commands.switch(stopped=False, by=call.user)
    call.note(safe(f"The switch is on: {move.words}."))
    if held := _file(call)():
        call.note(safe(f"NOTHING IS SENT all the same: {held}. Remove the file."))
        raise typer.Exit(Exit.PROBLEMS)


@app.command()
def status(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Show whether anything is sent, who stopped or started it, and which services are closed."""
    call = called(context)
    standing = call.queries.sending()
    data = {**standing.document(), "stopped": bool(standing.stopped), "why": standing.stopped}
    call.answer(output, data, lambda width: _shown(standing, width))


@app.command()
def reset(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="A service that its failures closed.")],
    environment: Annotated[
        str | None, typer.Option(help="Its environment, where several have such a service.")
    ] = None,
) -> None:
    """Allow actions on a service that two failed incidents in a row have closed."""
    call = called(context)
    where = configured(call, [environment])[0] if environment else None
    opened = call.application.commands.reset(service, call.user, where)
    call.note(safe(f"{opened.service} in {opened.environment} is open again, says {call.user}."))


def _file(call: Call) -> StopFile:
    return StopFile(call.loaded.settings.state_dir / NAME)


def _shown(standing: Standing, width: int) -> Group:
    lines: list[RenderableType] = [say("Sending is on.", GOOD)]
    if standing.stopped:
        lines = [tell(f"NOTHING IS SENT: {standing.stopped}", BAD)]
    lines += [tell(move.words, QUIET) for move in standing.moves[:_MOVES]]
    rows = [_row(one) for one in standing.breakers]
    heads = ["SERVICE", "ENVIRONMENT", "FAILED IN A ROW", "CLOSED UNTIL", "RESET BY"]
    return Group(*lines, *([table(heads, rows, width)] if rows else []))


def _row(one: ServiceBreaker) -> list[Text]:
    until = f"{one.closed_until:%Y-%m-%d %H:%M:%S} UTC" if one.closed_until else "-"
    by = f"{one.opened_by} {one.opened_at:%Y-%m-%d %H:%M} UTC" if one.opened_at else "-"
    failed = ", ".join(one.failed) or "-"
    return [say(one.service, STRONG), say(str(one.environment)), say(failed), say(until), say(by)]
