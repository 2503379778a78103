"""`aiops shop up`: the built-in shop on the wall clock, for a Prometheus of your own to scrape."""

import asyncio
import signal
from datetime import timedelta
from typing import Annotated

import typer

from aiops_agent.domain.duration import duration
from aiops_agent.domain.errors import UsageError
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import called
from aiops_agent.interfaces.cli.exits import Exit

app = typer.Typer(no_args_is_help=True, help="Run the built-in shop for tools of your own.")
PORT = 9120  # beside Prometheus and its usual exporters


@app.callback()
def _group() -> None:
    """Keep `up` a command of its own."""


@app.command()
def up(
    context: typer.Context,
    *,
    fault: Annotated[
        str, typer.Option(metavar="SCENARIO", help="What breaks; see aiops demo --list.")
    ] = "",
    at: Annotated[str, typer.Option(help="How long after the start it breaks.")] = "60s",
    speed: Annotated[
        float, typer.Option(min=0.1, max=100.0, help="Shop seconds in each of yours.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same shop.")] = 1,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any.")] = PORT,
) -> None:
    """Serve the shop's /metrics, /logs, /changes and /rules.yml until told to stop.

    Prints what a prometheus.yml and an aiops.yaml need to scrape and to watch it. Anybody who
    reaches the address can read: it is this machine alone unless --host says another.
    """
    call = called(context)
    shop = door.live_shop(fault, _after(at), speed=speed, seed=seed, host=host, port=port)

    async def serving() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        with shop as (address, snippets):
            call.note(f"the shop is open at http://{address}/metrics")
            call.out.print(snippets, markup=False, highlight=False, soft_wrap=True, end="")
            await stop.wait()
        call.note("the shop is closed")

    asyncio.run(serving())
    raise typer.Exit(Exit.DONE)


def _after(text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(f"--at {text}: {error}.") from error
