"""Trying again: the one loop for whatever is away for a while."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

from aiops_agent.domain.errors import AiopsError

R = TypeVar("R")


async def retry(
    work: Callable[[], Awaitable[R]],
    *,
    when: Callable[[AiopsError], bool],
    pauses: Iterable[float],
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> R:
    """Return what `work` gives; after an error that `when` accepts, wait and try again.

    `pauses` (seconds) says how long and how often: when it ends, the next error is raised.
    """
    for pause in pauses:
        try:
            return await work()
        except AiopsError as error:
            if not when(error):
                raise
        await wait(pause)
    return await work()


def growing(first: float, longest: float, factor: float = 2.0) -> Iterator[float]:
    """Yield pauses (seconds) for ever, each longer than the one before, up to the longest."""
    while True:
        yield min(first, longest)
        first = min(first * factor, longest)
