"""`aiops execute`: send what was approved, where `aiops serve` has no rights to."""

import asyncio
import signal
from functools import partial
from typing import Annotated

import typer

from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, called
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.stopped import say_sending, watched


def execute(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address of --port.")] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Answer /healthz and /readyz there; 0 picks a free port.",
            show_default="answer nowhere",
        ),
    ] = None,
) -> None:
    """Send what is approved and armed until stopped; needs executor.separate: true.

    It asks nobody, diagnoses nothing and approves nothing. `aiops serve` does that, on the same
    store and configuration and of the same version, and needs no rights to change anything.
    """
    call = called(context)
    call.executes = True
    raise typer.Exit(call.run(_execute(call, host, port)))


async def _execute(call: Call, host: str, port: int | None) -> Exit:
    application = call.application
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with application.execution() as execution:
        named = ", ".join(sorted(map(str, execution.environments))) or "no environment"
        call.note(f"takes what is armed for {named}")
        if stands := application.lead.words:
            call.note(stands)
        async with watched(application.queries, partial(say_sending, call.out)):
            if port is None:
                await stop.wait()
            else:
                port, serving = door.health(application, host, port)
                call.note(f"health on http://{host}:{port}/healthz and /readyz")
                await serving(stop)
    call.note("stopped; what is armed waits for the next executor")
    return Exit.DONE
