"""What nobody asks for any more leaves the store: checkpoints of ended stories, handled bodies.

An incident, its events, approvals, effects and report stay. A story that has not ended keeps its
checkpoints however old they are: it goes on from them.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dbos import DBOS

from aiops_agent.workflow.deps import Deps

PRUNE_SECONDS = 3600.0  # between two looks
AT_ONCE = 100  # stories or bodies in one transaction, so that others get their turn


@dataclass
class Pruning:
    """How long checkpoints of ended stories and handled bodies are kept."""

    deps: Deps
    checkpoints: timedelta
    bodies: timedelta
    compact: Callable[[], object] = lambda: None  # makes old cases of memory one; blocking

    async def look(self) -> int:
        """Remove what is older; return how many stories and bodies. Raises StoreError."""
        gone = await self._stories() + await self._inbox()
        await asyncio.to_thread(self.compact)
        return gone

    async def _stories(self) -> int:
        then, gone, kept = self.deps.now() - self.checkpoints, 0, 0
        while found := await _returned(then, kept):
            over = await asyncio.to_thread(self._over, found)
            kept += len(found) - len(over)
            gone += len(over)
            if over:
                # With those of the agents that they called.
                await DBOS.delete_workflows_async(over, delete_children=True)
        return gone

    def _over(self, stories: Sequence[str]) -> list[str]:
        """Return the stories whose incidents have none under way and none due."""
        with self.deps.store.read() as view:
            incidents = {name: view.incidents.get(name.partition("~")[0]) for name in stories}
        return [name for name, one in incidents.items() if one is not None and not one.active]

    async def _inbox(self) -> int:
        then, gone = self.deps.now() - self.bodies, 0
        while taken := await asyncio.to_thread(self._bodies, then):
            gone += taken
        return gone

    def _bodies(self, then: datetime) -> int:
        with self.deps.store.begin() as work:
            return work.inbox.prune(then, AT_ONCE)


async def _returned(then: datetime, skip: int) -> tuple[str, ...]:
    """Return stories of this role that had returned or failed by then, the oldest first."""
    found = await DBOS.list_workflows_async(
        status=["SUCCESS", "ERROR", "CANCELLED"],
        completed_before=then.isoformat(),
        has_parent=False,
        limit=AT_ONCE,
        offset=skip,
        load_input=False,
        load_output=False,
    )
    return tuple(one.workflow_id for one in found)
