"""`aiops config ...`: is the configuration right, and where does each value come from?"""

import json
from typing import Annotated

import typer

from aiops_agent.domain.value import Json
from aiops_agent.interfaces.cli.call import Output, OutputOption, called
from aiops_agent.interfaces.cli.tables import facts
from aiops_agent.interfaces.terminal.escape import say

app = typer.Typer(no_args_is_help=True, help="Check and show the configuration.")


@app.command()
def check(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Check the configuration; errors are shown with file, line and column (exit 4)."""
    call = called(context)
    loaded = call.loaded
    files = [str(path) for path in loaded.files]
    data = {"ok": True, "files": files, "without_effect": list(loaded.strange)}
    call.answer(output, data, lambda _: say(f"ok: {', '.join(files) or 'nothing but built-in'}"))
    for name in loaded.strange:
        call.note(f"note: unrecognised setting {name}: it has no effect.")


@app.command()
def show(
    context: typer.Context,
    origin: Annotated[
        bool, typer.Option("--origin", help="Show where each value comes from.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show every setting with its value; secrets are not shown."""
    call = called(context)
    rows = list(call.loaded.rows())
    if origin:
        data: Json = [{"key": key, "value": value, "origin": where} for key, value, where in rows]
    else:
        data = {key: value for key, value, _ in rows}
    lines = []
    for key, value, where in rows:
        text = value if isinstance(value, str) else json.dumps(value)
        shown = "not set" if value is None else text
        lines.append((key, f"{shown}  ({where})" if origin else shown))
    call.answer(output, data, lambda _: facts(lines))
