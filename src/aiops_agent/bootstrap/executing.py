"""Who sends: the airlock of a process, and the process that does nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from aiops_agent import __version__
from aiops_agent.actions.catalogue import Catalogue
from aiops_agent.bootstrap.arenas import few_arenas
from aiops_agent.bootstrap.environments import OpenEnvironments
from aiops_agent.bootstrap.leadership import Leadership
from aiops_agent.bootstrap.records import Records
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.lease import EXECUTOR
from aiops_agent.ports.store import Store
from aiops_agent.safety.execute import Executor
from aiops_agent.safety.separate import SeparateExecutor
from aiops_agent.settings.sections import Settings
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.execution import Execution
from aiops_agent.workflow.executor_steps import ExecutorSteps
from aiops_agent.workflow.lease import FencedStore


def executor_of(
    settings: Settings,
    places: OpenEnvironments,
    records: Records,
    store: Store,
    *,
    now: Callable[[], datetime],
    apart: bool,
) -> Executor:
    """Return the airlock on a store; with `apart` it arms and leaves sending to another process."""
    made = partial(SeparateExecutor, version=__version__) if apart else Executor
    return made(
        platforms=places.platform,
        store=store,
        catalogue=Catalogue(settings.registry.actions),
        bounds=places.bounds,
        now=now,
        allowance=places.allowance,
        use_within=settings.approvals.use_within,
        halted=records.stop_file,
    )


@asynccontextmanager
async def executing(
    settings: Settings,
    places: OpenEnvironments,
    lead: Leadership,
    store: Store,
    built: Callable[[Store], Deps],
) -> AsyncIterator[Execution]:
    """Take what is armed while inside; where another executor lives, stand by until it is gone.

    `built` makes what the steps use, on a store. Raises SettingsError where `aiops serve` sends by
    itself, BusyError where another one runs on a SQLite file, and LeaseLost as the engine does.
    """
    if not (settings.executor.separate and places.sends):
        raise SettingsError(
            "Here `aiops serve` sends by itself; set executor.separate: true for both processes."
        )
    served = tuple(one.ref for one in settings.resolved if one.sources.any)
    few_arenas()
    with lead.alone(EXECUTOR):
        leading = lead.begin(EXECUTOR, serves=tuple(map(str, served)))
        deps = built(FencedStore(store, leading.tenure))
        execution = Execution(ExecutorSteps(deps), frozenset(served), __version__, lead.loops)

        async def begin() -> None:
            execution.begin()

        try:
            async with leading.led(begin, stand_by=True):
                yield execution
        finally:
            await execution.end(lost=bool(leading.tenure.gone))
            await asyncio.to_thread(lead.end)
