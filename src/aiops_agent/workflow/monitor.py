"""No open incident without a living workflow: what died is resumed, or ended with a person.

A workflow can die without its process when the durable engine itself cannot write, as on a full
disk.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dbos import DBOS

from aiops_agent.domain.incident import IncidentId
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.recorder import IncidentRecorder
from aiops_agent.workflow.resolve import ResolveIncident, failed

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0  # a workflow that is just being started or recovered is not dead
UNDER_WAY = ("PENDING", "ENQUEUED", "DELAYED")


@dataclass
class StalledWorkflowMonitor:
    """Looks after the workflows of this process; `clock` is monotonic, in seconds."""

    deps: Deps
    story: ResolveIncident
    clock: Callable[[], float]
    _missed: dict[str, float] = field(default_factory=dict)

    async def check(self, unended: Iterable[IncidentId]) -> None:
        """Resume or end the workflows of these incidents that have been dead for a while."""
        now = self.clock()
        dead = (name for name in unended if name not in self.story.alive)
        self._missed = {name: self._missed.get(name, now) for name in dead}
        for name, since in list(self._missed.items()):
            if now - since >= GRACE_SECONDS:
                await self._mend(name)

    async def _mend(self, incident_id: str) -> None:
        status = await DBOS.get_workflow_status_async(incident_id)
        if status is None:
            return  # not begun: the intake starts it
        log.warning("workflow died", extra={"incident": incident_id, "status": status.status})
        if status.status in UNDER_WAY:
            await DBOS.resume_workflow_async(incident_id)
        else:
            await asyncio.to_thread(self._end, incident_id, str(status.error))
        self._missed.pop(incident_id, None)

    def _end(self, incident_id: str, why: str) -> None:
        record = IncidentRecorder(self.deps)
        record.ended(incident_id, None, failed(RuntimeError(why)))
        record.archived(incident_id, None, why, None)
