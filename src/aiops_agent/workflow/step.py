"""One checkpoint of the story."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from dbos import DBOS, StepOptions

from aiops_agent.domain.errors import StoreError

P = ParamSpec("P")
R = TypeVar("R")

# A store that is locked or away comes back: a step waits for it, about four minutes in all.
_PATIENCE = 14


def _options(name: str) -> StepOptions:
    return {
        "name": name,
        "retries_allowed": True,
        "max_attempts": _PATIENCE,
        "interval_seconds": 0.2,
        "backoff_rate": 1.8,
        "should_retry": lambda error: isinstance(error, StoreError),
    }


async def step(name: str, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run blocking work in a thread as a checkpointed step; its result must be plain JSON."""

    async def call() -> R:
        return await asyncio.to_thread(work, *args, **kwargs)

    return await DBOS.run_step_async(_options(name), call)


async def async_step(
    name: str, work: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Run async work as a checkpointed step; its result must be plain JSON."""

    async def call() -> R:
        return await work(*args, **kwargs)

    return await DBOS.run_step_async(_options(name), call)
