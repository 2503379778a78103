"""One checkpoint of the story."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from dbos import DBOS, StepOptions

from aiops_agent.domain.errors import StoreError

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

FIRST_PAUSE = 0.2  # seconds
LONGEST_PAUSE = 15.0


async def patiently(name: str, work: Callable[[], Awaitable[R]]) -> R:
    """Do the work; while the store is away, full or locked, wait and do it again, for ever.

    A full disk over a weekend is no reason to drop an incident.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            return await work()
        except StoreError as error:
            log.warning("waits for the store", extra={"step": name, "why": str(error)})
        await asyncio.sleep(pause)
        pause = min(pause * 1.8, LONGEST_PAUSE)


async def step(name: str, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run blocking work in a thread as a checkpointed step; its result must be plain JSON."""

    async def call() -> R:
        return await patiently(name, lambda: asyncio.to_thread(work, *args, **kwargs))

    return await DBOS.run_step_async(_named(name), call)


async def async_step(
    name: str, work: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Run async work as a checkpointed step; its result must be plain JSON."""

    async def call() -> R:
        return await patiently(name, lambda: work(*args, **kwargs))

    return await DBOS.run_step_async(_named(name), call)


def _named(name: str) -> StepOptions:
    return {"name": name}
