"""`aiops store ...`: is what is kept sound?"""

from typing import Annotated

import typer
from rich.console import Group

from aiops_agent.interfaces.cli.call import Output, OutputOption, called
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.palette import BAD, GOOD

app = typer.Typer(no_args_is_help=True, help="Look after everything durable.")


@app.callback()
def group() -> None:
    """Look after everything durable."""


@app.command()
def check(
    context: typer.Context,
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what is found; open questions are asked anew.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Look for what a clock that once stood too far ahead left behind; code 3 for a flaw."""
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
