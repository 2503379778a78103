"""`aiops demo`: one whole incident on the built-in shop, decided by you."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.text import shell
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.follow import Following, manner
from aiops_agent.interfaces.terminal.escape import say
from aiops_agent.interfaces.terminal.header import NONE, SCRIPTED, SOME, header
from aiops_agent.interfaces.terminal.layout import table
from aiops_agent.interfaces.terminal.palette import STRONG

if TYPE_CHECKING:
    from aiops_agent.simulator.scenarios import Scenario

ScenarioArgument = Annotated[
    str | None, typer.Argument(metavar="SCENARIO", help="What is broken; see --list.")
]
ListOption = Annotated[bool, typer.Option("--list", help="List the scenarios and end.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Same seed and memory, same run.")]
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Approve beforehand; recorded as such.")
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="scripted|none",
        help="scripted: a program that answers by rule in place of a language model; none: "
        "statistics alone. Keys in the environment are ignored then.",
    ),
]
SCRIPT, ALONE = "scripted", "none"


def demo(
    context: typer.Context,
    *,
    scenario: ScenarioArgument = None,
    show_list: ListOption = False,
    seed: SeedOption = 1,
    yes: YesOption = False,
    model: ModelOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Run one incident on the built-in shop; you decide.

    No key, no server, no root. Without a terminal it never waits: it says how to approve and ends
    with code 8.
    """
    call = called(context)
    with _minds(call, model):
        known = call.application.scenarios
        if show_list:
            data = [{"name": one.name, "title": one.title} for one in known]
            rows = [[say(one.name, STRONG), say(one.title)] for one in known]
            heads = ["SCENARIO", "WHAT HAPPENS"]
            call.answer(output, data, lambda width: table(heads, rows, width))
            return
        chosen = _chosen(known, scenario)
        raise typer.Exit(call.run(_demo(call, chosen, seed, yes=yes, model=model)))


@contextmanager
def _minds(call: Call, model: str | None) -> Iterator[None]:
    """Let the wished models reason while it lasts, whatever keys the environment brings."""
    if model not in (None, SCRIPT, ALONE):
        text = f"Known: {SCRIPT}, {ALONE}; a real one is named by models.default in aiops.yaml."
        raise UsageError(f"There is no demo with the model {model!r}. {text}")
    if model == ALONE:
        call.settings = call.loaded.settings.reasoning_with(None)
    with door.scripted(call.loaded.settings) if model == SCRIPT else nullcontext() as scripted:
        if scripted is not None:
            call.settings = scripted
        yield


async def _demo(
    call: Call, scenario: "Scenario", seed: int, *, yes: bool, model: str | None
) -> Exit:
    application = call.application
    await application.reasoning.prove(shop=True)
    given = SCRIPTED if model == SCRIPT else SOME
    models = NONE if application.reasoning.shop is None else given
    wish = ("--model", model) if model else ()
    title, command = scenario.title, shell("aiops", "demo", scenario.name, *wish)
    call.out.print(header(title, seed, command, call.out.width, models=models))
    if models is SOME:
        call.note(application.reasoning.words(shop=True))
    async with application.engine("shop") as engine:
        shop = await asyncio.to_thread(application.demo.begin, scenario.name, seed, remember=True)
        opened = await engine.intake(shop)
        if not opened:
            raise StoreError(f"The alert of {shop} opened no incident.")
        return await Following(call, opened[0], manner(call, yes=yes), engine).run()


def _chosen(known: Sequence["Scenario"], name: str | None) -> "Scenario":
    if name is None:
        return known[0]
    found = next((scenario for scenario in known if scenario.name == name.lower()), None)
    if found is None:
        names = [scenario.name for scenario in known]
        hint = did_you_mean(name, names) or f" Known: {', '.join(names)}."
        raise UsageError(f"There is no scenario {name!r}.{hint}")
    return found
