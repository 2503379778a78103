"""`aiops benchmark ...`: what models add or spoil, measured on incidents of the shop."""

from typing import Annotated

import typer

from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import called
from aiops_agent.interfaces.cli.exits import Exit

app = typer.Typer(
    no_args_is_help=True, help="Measure what models add or spoil, on broken shops of our own."
)

SeedOption = Annotated[int, typer.Option(help="Another seed gives other incidents.")]


@app.command()
def crew(
    context: typer.Context,
    incidents: Annotated[
        int, typer.Option(min=11, help="How many incidents, each in every mode.")
    ] = 605,
    seed: SeedOption = 1,
) -> None:
    """Run incidents with degraded telemetry: engine alone, model alone, both.

    The models are dice that know the truth: this measures what the product makes of right and
    wrong answers, not how good a real model is. One JSON line a goal; 1 when one is missed.
    """
    call = called(context)
    goals = door.benchmark_crew(seed, incidents, lambda shop: call.note(f"seed {shop} is done"))
    for goal in goals:
        print(goal.json())
    call.note("The models were dice. Whether real models help is not measured by this.")
    if not all(goal.met for goal in goals):
        raise typer.Exit(Exit.OURS)
