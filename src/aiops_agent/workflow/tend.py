"""No open incident without a living story: what died is resumed, or ended with a person.

A story can die without its process when the durable engine itself cannot write, as on a full disk.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dbos import DBOS

from aiops_agent.domain.incident import Incident, IncidentSummary
from aiops_agent.workflow.close import Close
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.resolve import ResolveIncident

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0  # a story that is just being started or recovered is not dead
_UNDER_WAY = ("PENDING", "ENQUEUED", "DELAYED")


@dataclass
class Tend:
    """Looks after the stories of this process; `clock` is monotonic, in seconds."""

    deps: Deps
    story: ResolveIncident
    clock: Callable[[], float]
    _missed: dict[str, float] = field(default_factory=dict)

    async def look(self, unended: Iterable[Incident | IncidentSummary]) -> None:
        """Resume or end the stories of these incidents that have been dead for a while."""
        dead = [incident.id for incident in unended if incident.id not in self.story.alive]
        now = self.clock()
        self._missed = {name: self._missed.get(name, now) for name in dead}
        for name, since in list(self._missed.items()):
            if now - since >= GRACE_SECONDS:
                await self._mend(name)

    async def _mend(self, incident_id: str) -> None:
        status = await DBOS.get_workflow_status_async(incident_id)
        if status is None:
            return  # not begun: the intake starts it
        log.warning("story died", extra={"incident": incident_id, "status": status.status})
        if status.status in _UNDER_WAY:
            await DBOS.resume_workflow_async(incident_id)
        else:
            await asyncio.to_thread(self._end, incident_id, str(status.error))
        self._missed.pop(incident_id, None)

    def _end(self, incident_id: str, why: str) -> None:
        closer = Close(self.deps)
        closer.end(incident_id, *closer.fault(incident_id, RuntimeError(why)))
        closer.archive(incident_id, {"unseen": why, "took": 0.0})
