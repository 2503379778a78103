"""What nobody asks for any more leaves the store: checkpoints of ended stories, handled bodies.

Of an old incident its report stays, and what it tells of itself; the single looks that the report
was drawn from go. Decisions, approvals and effects stay as they are. A story that has not ended
keeps its checkpoints however old they are: it goes on from them.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from dbos import DBOS, DBOSClient
from sqlalchemy import Engine, inspect

from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.durable import PlainJson
from aiops_agent.workflow.loops import LoopName
from aiops_agent.workflow.patience import our_errors

PRUNE_SECONDS = 3600.0  # between two looks
AT_ONCE = 100  # stories or bodies in one transaction, so that others get their turn
SOME = 10  # incidents with all that they tell in one transaction: a hundredth of a second each


@dataclass
class Pruning:
    """How long checkpoints of ended stories, handled bodies and single looks are kept."""

    loop: ClassVar[LoopName] = LoopName.PRUNING
    pause: ClassVar[float] = PRUNE_SECONDS

    deps: Deps
    checkpoints: timedelta
    bodies: timedelta
    events: timedelta
    compact: Callable[[], object] = lambda: None  # makes old cases of memory one; blocking

    async def look(self) -> int:
        """Remove what is older; return how many stories, bodies, incidents and searches.

        Raises StoreError.
        """
        gone = await self._stories()
        gone += await self._all(self._bodies, self.bodies)
        gone += await self._all(self._condensed, self.events)
        gone += await self._all(self._searches, self.events)
        await asyncio.to_thread(self.compact)
        return gone

    async def _stories(self) -> int:
        then, gone, kept = self.deps.now() - self.checkpoints, 0, 0
        with our_errors():
            while found := await _returned(then, kept):
                over = await asyncio.to_thread(self._over, found)
                kept += len(found) - len(over)
                gone += len(over)
                if over:
                    # With those of the agents that they called.
                    await DBOS.delete_workflows_async(over, delete_children=True)
        return gone

    def _over(self, stories: Sequence[str]) -> list[str]:
        """Return the stories whose incidents have none under way and none due, or are forgotten."""
        with self.deps.store.read() as view:
            incidents = {name: view.incidents.get(name.partition("~")[0]) for name in stories}
        return [name for name, one in incidents.items() if one is None or not one.active]

    async def _all(self, some: Callable[[datetime], int], kept: timedelta) -> int:
        """Do `some` of what came before then until none is left; return how many there were."""
        then, gone = self.deps.now() - kept, 0
        while taken := await asyncio.to_thread(some, then):
            gone += taken
        return gone

    def _condensed(self, then: datetime) -> int:
        """Leave of old incidents what stays beside their reports; return of how many."""
        with self.deps.store.begin() as work:
            names = work.incidents.old(then, SOME)
            for incident in filter(None, map(work.incidents.get, names)):
                work.incidents.put(incident.condense())
                work.events.condense(incident.id)
                work.calls.condense(incident.id)
        return len(names)

    def _searches(self, then: datetime) -> int:
        """Remove what models were sent for nobody's incident: searches, cases brought in."""
        with self.deps.store.begin() as work:
            return work.calls.prune(then, AT_ONCE)

    def _bodies(self, then: datetime) -> int:
        with self.deps.store.begin() as work:
            return work.inbox.prune(then, AT_ONCE)


def erase(database: Engine, incident: str) -> None:
    """Remove the checkpoints of an incident's stories, however young. Raises StoreError."""
    schema = "dbos" if database.dialect.name == "postgresql" else None
    if not inspect(database).has_table("workflow_status", schema=schema):
        return  # no engine ever ran here
    with our_errors():
        client = DBOSClient(system_database_engine=database, serializer=PlainJson())
        found = client.list_workflows(
            workflow_id_prefix=incident, load_input=False, load_output=False
        )
        same = re.compile(rf"{re.escape(incident)}(?!\w)")  # not those of INC-00010
        names = [one.workflow_id for one in found if same.match(one.workflow_id)]
        client.delete_workflows(names, delete_children=True)


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
