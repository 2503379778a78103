"""`aiops benchmark ...`: what models add or spoil, and how often the engine finds the cause."""

import json
from pathlib import Path
from typing import Annotated

import typer

from aiops_agent.domain.errors import UsageError
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called
from aiops_agent.interfaces.cli.exits import Exit

app = typer.Typer(
    no_args_is_help=True,
    help="Measure what models add or spoil, and how often the engine finds the cause.",
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


@app.command()
def critic(
    context: typer.Context,
    plans: Annotated[
        int, typer.Option(min=30, help="How many plans with a defect; as many clean ones.")
    ] = 120,
    seed: SeedOption = 1,
    *,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the configured models; this costs money.")
    ] = False,
    budget: Annotated[
        float | None,
        typer.Option(min=0.01, metavar="USD", help="With --live: the most that may be spent."),
    ] = None,
) -> None:
    """Plant defects of ten kinds in plans, and see which a critic finds on pages of policy.

    Without --live the critics are scripts that know the answer: that measures what the product
    makes of right, wrong and invented objections, not how well a model reads. One JSON line a
    goal; 1 when one is missed, or when --live could not be run to its end. A model of unknown price
    is bounded in requests only: six a plan.
    """
    call = called(context)
    if live:
        raise typer.Exit(_live(call, seed, plans, budget))
    if budget is not None:
        raise UsageError("--budget goes with --live: scripted critics cost nothing.")
    goals = door.benchmark_critic(seed, plans, lambda number: _progress(call, number, plans))
    for goal in goals:
        print(goal.json())
    call.note("The critics were scripts: this proves the plumbing only. A model: --live.")
    if not all(goal.met for goal in goals):
        raise typer.Exit(Exit.OURS)


@app.command()
def rca(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(help="A data set with its truth.json, or a folder of such folders."),
    ],
    output: OutputOption = Output.TABLE,
) -> None:
    """Find the causes of public incidents, and count how often the right service stands first.

    The engine alone: metrics, call graph, spans and lines of each case; no model, no shop. A folder
    without a truth.json is skipped and named.
    """
    call = called(context)
    data, text = door.benchmark_rca(folder, lambda name: call.note(f"{name} is done"))
    print(json.dumps(data, indent=2) if output is Output.JSON else text)


def _live(call: Call, seed: int, plans: int, budget: float | None) -> Exit:
    if budget is None:
        raise UsageError("--live costs money: say how much at most with --budget USD.")
    run = door.benchmark_live_critic(
        call.settings,
        seed=seed,
        plans=plans,
        usd=budget,
        seen=lambda number: _progress(call, number, plans),
    )
    if run is None:
        call.note("not run: there is no model to ask. Set GEMINI_API_KEY, or `models:`.")
        return Exit.OURS
    goals = tuple(run.goals)
    for goal in goals:
        print(goal.json())
    call.note(f"{run.models}: {run.spent}.", *([run.stopped] if run.stopped else []))
    return Exit.DONE if not run.stopped and all(goal.met for goal in goals) else Exit.OURS


def _progress(call: Call, number: int, plans: int) -> None:
    if number % 20 == 0:
        call.note(f"{number} of {2 * plans} plans are read")
