"""`aiops privacy ...`: what left this machine."""

import typer

from aiops_agent.domain.value import Json
from aiops_agent.interfaces.cli.call import Output, OutputOption, called
from aiops_agent.interfaces.cli.incident import IncidentArgument
from aiops_agent.interfaces.terminal.sent import sent

SHOWN = frozenset({
    "agent", "ordinal", "model", "answered_by", "place", "started_at", "redactions", "sent",
})  # fmt: skip

MEMORY = "memory"  # in place of an incident

app = typer.Typer(no_args_is_help=True, help="Show what was sent to language models.")


@app.callback()
def _group() -> None:
    """Keep `show` a command of its own."""


@app.command()
def show(
    context: typer.Context, incident: IncidentArgument, output: OutputOption = Output.TABLE
) -> None:
    """Show exactly what was sent to which model's server for an incident, redactions marked.

    `--output json` prints the bodies as they left. What people asked memory stands under `memory`.
    """
    call = called(context)
    of = MEMORY if incident.lower() == MEMORY else call.queries.incident(incident).id
    calls = call.queries.calls(of)
    requests: list[Json] = [
        {name: value for name, value in one.document().items() if name in SHOWN} for one in calls
    ]
    data: dict[str, Json] = {"incident": of, "requests": requests}
    call.answer(output, data, lambda _width: sent(of, calls))
