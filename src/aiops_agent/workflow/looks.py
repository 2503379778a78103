"""How long the workflow looks at telemetry, and what it makes of what it sees."""

import asyncio
from datetime import datetime, timedelta

from aiops_agent.domain.diagnosis import Confidence, Triage, TriageVerdict
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.remediation import Recovery
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.questions import Questions
from aiops_agent.workflow.recorder import IncidentEnded, IncidentRecorder
from aiops_agent.workflow.steps import step
from aiops_agent.workflow.transaction import incident_of

UNSURE_LOOKS = 2  # more, at a fresh alert, before an unsure diagnosis is taken as it is
UNSEEN_LOOKS = 6  # when telemetry does not answer, before the workflow goes on without it
TAKEN_OVER = "a person took it over; the agent stopped"


class Looks:
    """Looks again and again, in environment time; each look is a durable question."""

    def __init__(self, deps: Deps, ask: Questions, record: IncidentRecorder) -> None:
        self._deps, self._ask, self._record = deps, ask, record
        self._pace = deps.terms.pace

    async def triage(self, incident_id: str) -> Triage:
        """Return the verdict on the alert after watching what telemetry contradicts."""
        began, look = None, 0
        while True:
            answer = await self._ask.triage(incident_id)
            seen, now = await step("triaged", self._record.triaged, incident_id, look, answer)
            began, look = began or now, look + 1
            if seen.verdict is TriageVerdict.CONFIRMED:
                return seen
            if seen.verdict is TriageVerdict.CONTRADICTED and now - began >= self._pace.within:
                return seen
            if seen.verdict is TriageVerdict.UNSEEN and look >= UNSEEN_LOOKS:
                return seen
            await self._until_next(incident_id, now)

    async def diagnose(self, incident_id: str, number: int) -> None:
        """Keep a diagnosis; look again while it is unsure, give up when it sees nothing."""
        why = ""
        for look in range(UNSEEN_LOOKS):
            answer = await self._ask.diagnose(incident_id)
            found = answer.value
            if found and (found.confidence is not Confidence.LOW or look >= UNSURE_LOOKS):
                kept = self._record.diagnosed
                return await step("diagnosed", kept, incident_id, number, found, answer.effort)
            unsure = self._record.unsure
            why, now = await step("unsure", unsure, incident_id, number, look, answer)
            await self._until_next(incident_id, now)
        raise IncidentEnded(Ending.HANDED_OVER, f"telemetry could not be read: {why}")

    async def recovery(
        self, incident_id: str, number: int, since: datetime, patience: timedelta
    ) -> tuple[Recovery, str]:
        """Look until it recovered, got worse, or patience is over; blindness gets extra time.

        Return the verdict and the summary of the diagnosis that it speaks for or against.
        """
        look = 0
        while True:
            answer = await self._ask.verify(incident_id, number, since)
            sampled = self._record.sampled
            recovery, now = await step("sampled", sampled, incident_id, number, look, answer)
            blind = recovery is Recovery.INCONCLUSIVE
            limit = patience + self._deps.terms.blind if blind else patience
            if recovery in (Recovery.RECOVERED, Recovery.WORSE) or now - since >= limit:
                kept = self._record.verified
                return recovery, await step("verified", kept, incident_id, number, recovery)
            await self._until_next(incident_id, now)
            look += 1

    async def healed(self, incident_id: str, number: int) -> bool:
        """Whether all criteria of an attempt have held already, with nothing done."""
        seen = (await self._ask.verify(incident_id, number)).value
        return seen is not None and seen.recovery is Recovery.RECOVERED

    async def wait(
        self, incident_id: str, length: timedelta, since: datetime | None = None
    ) -> None:
        """Wait until `length` after `since` (or after now), in environment time."""
        await step("wait", self._wait, incident_id, length, since)

    async def stop_if_taken(self, incident_id: str) -> None:
        """End at this boundary when a person took the incident over."""
        if await step("taken", self._record.taken_over, incident_id):
            raise IncidentEnded(Ending.TAKEN_OVER, TAKEN_OVER)

    async def _until_next(self, incident_id: str, now: datetime) -> None:
        await self.stop_if_taken(incident_id)
        await self.wait(incident_id, self._pace.look, now)

    async def _wait(self, incident_id: str, length: timedelta, since: datetime | None) -> None:
        incident = await asyncio.to_thread(incident_of, self._deps, incident_id)
        environment = self._deps.environments(incident.environment)
        await environment.clock.wait_until((since or environment.clock.now()) + length)
