"""Says on a screen that sending was stopped, and that it began again, wherever it was decided."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.console import Console

from aiops_agent.domain.errors import StoreError
from aiops_agent.interfaces.terminal.escape import tell
from aiops_agent.interfaces.terminal.palette import BAD, GOOD
from aiops_agent.workflow.queries import Queries

_LOOK_SECONDS = 1.0  # as soon as a stop holds


@asynccontextmanager
async def watched(queries: Queries, tell: Callable[[str], None]) -> AsyncIterator[None]:
    """While inside, tell why nothing is sent whenever that changes; "" means that sending is on."""
    watching = asyncio.ensure_future(_watch(queries, tell))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


def say_sending(out: Console, stopped: str) -> None:
    """Print why nothing is sent, or that sending is on."""
    line = f"NOTHING IS SENT: {stopped}" if stopped else "sending is on again"
    out.print(tell(line, BAD if stopped else GOOD))


async def _watch(queries: Queries, tell: Callable[[str], None]) -> None:
    told = ""
    while True:
        why = await asyncio.to_thread(_stopped, queries)
        if why != told:
            tell(why)
            told = why
        await asyncio.sleep(_LOOK_SECONDS)


def _stopped(queries: Queries) -> str:
    try:
        return queries.sending().stopped
    except StoreError as error:  # what is not recorded is not sent
        return queries.halted() or str(error)
