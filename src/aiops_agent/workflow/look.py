"""How long the story looks at telemetry, and what it makes of what it sees."""

from datetime import datetime, timedelta
from typing import cast

from aiops_agent.domain.diagnosis import Confidence, Triage, TriageVerdict
from aiops_agent.domain.incident import Ending, Status
from aiops_agent.domain.remediation import Criterion, Recovery
from aiops_agent.domain.value import Document
from aiops_agent.workflow.deeds import Deeds
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.over import Closing, StoryOver
from aiops_agent.workflow.questions import Questions
from aiops_agent.workflow.record import Record
from aiops_agent.workflow.steps import step

UNSURE_LOOKS = 2  # more, at a fresh alert, before an unsure diagnosis is taken as it is
UNSEEN_LOOKS = 6  # when telemetry does not answer, before the story goes on without it


class Look:
    """Looks again and again, in environment time; each look is a durable question."""

    def __init__(self, deps: Deps, ask: Questions, record: Record) -> None:
        self._deps, self._ask, self._record = deps, ask, record
        self._deeds = Deeds(deps)
        self._pace = deps.terms.pace

    async def triage(self, incident_id: str) -> Triage:
        """Return the verdict on the alert after watching what telemetry contradicts."""
        begin = await step("now", self._record.now, incident_id)
        look = 0
        while True:
            reply = await self._ask.triage(incident_id)
            triage = await step("triaged", self._record.triaged, incident_id, look, reply)
            seen = Triage.of(triage)
            now = await step("now", self._record.now, incident_id)
            waited = _time(now) - _time(begin)
            look += 1
            if seen.verdict is TriageVerdict.CONFIRMED:
                return seen
            if seen.verdict is TriageVerdict.CONTRADICTED and waited >= self._pace.within:
                return seen
            if seen.verdict is TriageVerdict.UNSEEN and look >= UNSEEN_LOOKS:
                return seen
            await self._stop_if_taken(incident_id)
            await self.wait(incident_id, now, self._pace.look)

    async def diagnosis(self, incident_id: str, number: int) -> Document:
        """Return the diagnosis; look again while it is unsure, hand over when it sees nothing."""
        why = ""
        for look in range(UNSEEN_LOOKS):
            reply = await self._ask.diagnose(incident_id)
            answer = reply.get("answer")
            sure = answer is not None and answer["confidence"] != Confidence.LOW
            if answer is not None and (sure or look >= UNSURE_LOOKS):
                await step("diagnosed", self._record.diagnosed, incident_id, number, reply)
                return cast("Document", answer)
            why = await step("unsure", self._record.unsure, incident_id, number, look, reply)
            now = await step("now", self._record.now, incident_id)
            await self._stop_if_taken(incident_id)
            await self.wait(incident_id, now, self._pace.look)
        note = f"telemetry could not be read: {why}"
        raise StoryOver(Closing(Status.ESCALATED, Ending.HANDED_OVER, note))

    async def recovery(
        self, incident_id: str, number: int, since: str, patience: timedelta
    ) -> Recovery:
        """Look until it recovered, got worse, or patience is over; blindness gets extra time."""
        look = 0
        while True:
            recovery = await self._sample(incident_id, number, since, look)
            now = await step("now", self._record.now, incident_id)
            waited = _time(now) - _time(since)
            blind = recovery is Recovery.INCONCLUSIVE
            limit = patience + self._deps.terms.blind if blind else patience
            final = recovery in (Recovery.RECOVERED, Recovery.WORSE) or waited >= limit
            if final:
                await step("verified", self._deeds.verified, incident_id, number, recovery)
                return recovery
            await self._stop_if_taken(incident_id)
            await self.wait(incident_id, now, self._pace.look)
            look += 1

    async def healed(self, incident_id: str, criteria: tuple[Criterion, ...]) -> bool:
        """Whether all criteria have held already, with nothing done."""
        since = await step("before", self._record.before, incident_id, self._pace.hold)
        documents = [criterion.document() for criterion in criteria]
        reply = await self._ask.verify(incident_id, documents, since)
        answer = reply.get("answer")
        return answer is not None and answer["recovery"] == Recovery.RECOVERED

    async def after_undo(
        self, incident_id: str, number: int, criteria: tuple[Criterion, ...]
    ) -> None:
        """Look once more after taking back, and keep what is seen."""
        since = await step("now", self._record.now, incident_id)
        await self.wait(incident_id, since, self._pace.settle)
        documents = [criterion.document() for criterion in criteria]
        reply = await self._ask.verify(incident_id, documents, since)
        if "answer" in reply:
            await step(
                "undo-verified", self._deeds.undo_verified, incident_id, number, reply["answer"]
            )

    async def wait(self, incident_id: str, since: str, length: timedelta) -> None:
        """Wait until `length` after `since`, in environment time."""
        until = (_time(since) + length).isoformat()
        await step("wait", self._wait, incident_id, until)

    async def _sample(self, incident_id: str, number: int, since: str, look: int) -> Recovery:
        criteria = await step("criteria", self._record.criteria, incident_id, number)
        reply = await self._ask.verify(incident_id, criteria, since)
        said = await step("sampled", self._deeds.sampled, incident_id, number, look, reply)
        return Recovery(said)

    async def _wait(self, incident_id: str, until: str) -> None:
        environment = self._record.environment(incident_id)
        await environment.clock.wait_until(_time(until))

    async def _stop_if_taken(self, incident_id: str) -> None:
        if await step("taken", self._record.taken_over, incident_id):
            note = "a person took it over; the agent stopped"
            raise StoryOver(Closing(Status.ESCALATED, Ending.TAKEN_OVER, note))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
