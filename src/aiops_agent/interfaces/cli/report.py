"""`aiops report`: the written report of an ended incident."""

from enum import StrEnum
from typing import Annotated

import typer

from aiops_agent.interfaces.cli.call import Output, called
from aiops_agent.interfaces.cli.incident import IncidentArgument
from aiops_agent.interfaces.terminal import page


class Format(StrEnum):
    """How the report is written."""

    MD = "md"
    JSON = "json"


def report(
    context: typer.Context,
    incident: IncidentArgument,
    output: Annotated[Format, typer.Option("--output", "-o", help="How to write it.")] = Format.MD,
) -> None:
    """Print the report of an incident that has ended."""
    call = called(context)
    written = call.queries.report(incident)
    if output is Format.JSON:
        call.answer(Output.JSON, written.data, lambda _: "")
    elif call.out.is_terminal:
        call.out.print(page.report(written))
    else:
        print(written.markdown)
