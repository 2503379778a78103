"""After something was sent: let it settle, believe telemetry, take back what did not help."""

from datetime import timedelta

from aiops_agent.domain.incident import Ending, Status
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import EffectState, Outcome, PreparedPlan, Recovery
from aiops_agent.domain.value import Document
from aiops_agent.workflow.deeds import Deeds
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.hands import Hands
from aiops_agent.workflow.look import Look
from aiops_agent.workflow.over import Closing, StoryOver
from aiops_agent.workflow.record import Record
from aiops_agent.workflow.steps import step

UNDO_TRIES = 40  # about ten minutes while the platform does not answer
UNDO_PAUSE = timedelta(seconds=15)


class Aftermath:
    """The part of the story that begins when requests have left."""

    def __init__(self, deps: Deps, hands: Hands, look: Look) -> None:
        self._deps, self._hands, self._look = deps, hands, look
        self._record, self._deeds = Record(deps), Deeds(deps)

    async def verify(self, incident_id: str, number: int, outcome: Outcome, since: str) -> Recovery:
        """Return what telemetry says once the change has settled."""
        note = "telemetry decides whether it helped"
        await step("moved", self._record.moved, incident_id, Status.VERIFYING, note)
        pace = self._deps.terms.pace
        if outcome.state is EffectState.APPLIED:
            await self._look.wait(incident_id, since, pace.settle)
            self._deps.mark(Point.SETTLED)
            patience = pace.settle + pace.within
            recovery = await self._look.recovery(incident_id, number, since, patience)
        else:  # refused half-way: take back what did apply, then try again
            recovery = Recovery.NOT_RECOVERED
            await step("verified", self._deeds.verified, incident_id, number, recovery)
        self._deps.mark(Point.VERIFIED)
        return recovery

    async def undo(
        self, incident_id: str, number: int, prepared: PreparedPlan, recovery: Recovery
    ) -> None:
        """Take back what did not help; nothing but the stop of the process holds this up."""
        if recovery is Recovery.INCONCLUSIVE:
            note = "acted, but telemetry cannot say whether it helped; not taken back"
            raise StoryOver(Closing(Status.ESCALATED, Ending.FAILED, note))
        document = prepared.document()
        reply: Document = {"unreadable": "not tried"}
        for _ in range(UNDO_TRIES):
            reply = await step("undo", self._hands.undo, document)
            if "outcome" in reply:
                break
            since = await step("now", self._record.now, incident_id)
            await self._look.wait(incident_id, since, UNDO_PAUSE)
        self._deps.mark(Point.UNDONE)
        outcome = await step("undone", self._deeds.undone, incident_id, number, reply)
        if outcome is None or Outcome.of(outcome).state is not EffectState.APPLIED:
            note = "it did not help, and taking it back FAILED: a person must look now"
            raise StoryOver(Closing(Status.ESCALATED, Ending.FAILED, note))
        if Outcome.of(outcome).effects:
            await self._look.after_undo(incident_id, number, prepared.plan.criteria)
