"""`aiops store ...`: is what is kept sound?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group

from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Output, OutputOption, called
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.tables import facts
from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.palette import BAD, GOOD

app = typer.Typer(no_args_is_help=True, help="Back up, restore and check the store.")


@app.callback()
def group() -> None:
    """Back up, restore and check the store."""


@app.command()
def check(
    context: typer.Context,
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what is found; open questions are asked anew.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Check for records of a clock that was ahead (exit 3 if there are any)."""
    call = called(context)
    places = [one.ref for one in call.loaded.settings.resolved]
    flaws = call.application.commands.mend_clock(places, repair=repair)
    found = Group(*[tell(words, BAD) for words in flaws.words])
    well = say("The times in the store are sound.", GOOD)
    data = {**flaws.document(), "flaws": list(flaws.words), "repaired": repair}
    call.answer(output, data, lambda _: found if flaws.words else well)
    if flaws.words and repair:
        call.note("Repaired: the present time counts from now on.")
    elif flaws.words:
        call.note("aiops store check --repair mends it.")
        raise typer.Exit(Exit.PROBLEMS)


@app.command()
def info(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Show where the store is, whether it takes a record, and what waits in it."""
    call = called(context)
    refused, backlog = call.application.readiness.refused(), call.queries.backlog()
    leader = call.records.leader("serve")
    rows = [
        ("store", call.loaded.settings.store.url.rpartition("@")[2]),
        ("takes a record", refused or "yes"),
        ("bodies waiting", str(backlog.bodies)),
        ("alerts waiting", str(backlog.alerts)),
        ("works on stories", leader.words if leader else "nobody"),
        ("events", str(call.queries.newest_event())),
    ]
    data = {name.replace(" ", "_"): value for name, value in rows}
    call.answer(output, data, lambda _: facts(rows))


@app.command()
def backup(context: typer.Context, file: Annotated[Path, typer.Argument()]) -> None:
    """Back up the store to a new FILE while it is in use; the copy is verified."""
    call = called(context)
    size = door.backup(call.settings, file)
    call.note(f"{file} holds the store as of now, {size:,} bytes.")


@app.command()
def restore(context: typer.Context, file: Annotated[Path, typer.Argument()]) -> None:
    """Restore the store from a backup FILE; refused while a process works on it.

    Nothing of the past is sent or told again: sending is stopped, open questions are expired.
    """
    call = called(context)
    old = door.restore(call.settings, file, call.user)
    call.note(
        f"Restored. What was there before is kept as {old}.",
        "Sending is stopped: look at what is half done, then: aiops sending start",
    )
