"""`aiops trace`: what an incident's agents did when, how long it took and what it cost."""

import typer

from aiops_agent.domain.trace import trace_of
from aiops_agent.interfaces.cli.call import Output, OutputOption, called
from aiops_agent.interfaces.cli.incident import IncidentArgument
from aiops_agent.interfaces.terminal.waterfall import waterfall


def trace(
    context: typer.Context, incident: IncidentArgument, output: OutputOption = Output.TABLE
) -> None:
    """Draw an incident as a waterfall: phases, agents, models, tools, the wait for you.

    It is drawn from what is stored, so it needs no tracing to be switched on.
    """
    call = called(context)
    queries = call.queries
    found = queries.incident(incident)
    made = trace_of(found, queries.history(found.id), queries.calls(found.id))
    call.answer(output, made.told(), lambda width: waterfall(made, width))
