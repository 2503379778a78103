"""The six questions, each a durable child of the incident's workflow: once answered, never again.

What a question needs is read from the incident, so ids are all that the store keeps of the asking.
Some are asked again and again: how long the workflow looks, and what it makes of what it sees.
"""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfiguredInstance

from aiops_agent.agents.briefing import UNSEEN_LOOKS, UNSURE_LOOKS, Briefing
from aiops_agent.domain.alert import AlertList
from aiops_agent.domain.answer import STATISTICS, Answer, Effort
from aiops_agent.domain.approval import Opinion
from aiops_agent.domain.diagnosis import Confidence, Diagnosis, Triage, TriageVerdict
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Ending, Incident
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.reasoning import PlanPick, SecondOpinion
from aiops_agent.domain.remediation import Plan, Recovery, Verification
from aiops_agent.domain.runbook import matching
from aiops_agent.reasoning.weigh import acting
from aiops_agent.workflow.again import Meanwhile, SecondLook
from aiops_agent.workflow.deps import Deps, attempt_of, found, incident_of
from aiops_agent.workflow.durable import Checkpoint, OnceSteps, returned, step, value_of
from aiops_agent.workflow.patience import patiently
from aiops_agent.workflow.recorder import IncidentEnded, IncidentRecorder, Regrouped

T = TypeVar("T")
FOREVER = None  # how often a restart may resume a workflow
# What a restart without a model answers to a question that was meant for one.
_GONE: Answer[Any] = Answer(missing="no model may be asked any more", effort=Effort(by=STATISTICS))
TAKEN_OVER = "a person took it over; the agent stopped"


@DBOS.dbos_class()
class Questions(DBOSConfiguredInstance):
    """Asks the crew; the return type of each method is how its answer is stored."""

    def __init__(self, name: str, deps: Deps) -> None:
        super().__init__(name)
        self._deps = deps

    async def triage(self, incident_id: str) -> Answer[Triage]:
        """Is it real, and how bad?"""
        return await self._answer(Answer[Triage], "triage", incident_id)

    async def diagnose(self, incident_id: str) -> Answer[Diagnosis]:
        """What is the cause, and what is not known?"""
        return await self._answer(Answer[Diagnosis], "diagnose", incident_id)

    async def reason(self, incident_id: str, number: int) -> Answer[SecondOpinion]:
        """What does a model make of the diagnosis of an attempt?"""
        return await self._answer(Answer[SecondOpinion], "reason", incident_id, number)

    async def plan(self, incident_id: str, number: int) -> Answer[Plan]:
        """What should be done about the diagnosis of an attempt?"""
        return await self._answer(Answer[Plan], "plan", incident_id, number)

    async def choose(self, incident_id: str, number: int) -> Answer[PlanPick]:
        """What would a model do instead of the plan of an attempt?"""
        return await self._answer(Answer[PlanPick], "choose", incident_id, number)

    async def critique(self, incident_id: str, number: int) -> Answer[Opinion | None]:
        """What could go wrong with the prepared plan of an attempt?"""
        return await self._answer(Answer[Opinion | None], "critique", incident_id, number)

    async def verify(
        self, incident_id: str, number: int, since: datetime | None = None
    ) -> Answer[Verification]:
        """Did the plan of an attempt help since then, or have its criteria held already?"""
        return await self._answer(Answer[Verification], "verify", incident_id, number, since)

    async def report(self, incident_id: str) -> Answer[Postmortem]:
        """What is to be remembered?"""
        return await self._answer(Answer[Postmortem], "report", incident_id)

    async def _answer(
        self,
        kind: type[Answer[T]],
        agent: str,
        incident_id: str,
        number: int = 0,
        since: datetime | None = None,
    ) -> Answer[T]:
        begin = since.isoformat() if since else ""
        return value_of(await self.question(agent, incident_id, number, begin), kind)

    @DBOS.workflow(name="question.v1", max_recovery_attempts=FOREVER)
    async def question(self, agent: str, incident_id: str, number: int, since: str) -> Any:
        """Let one agent answer; a restart asks it again, but not what it asked `once`.

        So does a store that was away for a while: an outage is no agent's fault.
        """
        once = OnceSteps()
        ask = partial(self._asked, agent, incident_id, number, since, once)
        return Checkpoint(await patiently(agent, ask), returned(getattr(self, agent)))

    async def _asked(  # limit: one line for each agent
        self, agent: str, incident_id: str, number: int, since: str, once: OnceSteps
    ) -> Answer[Any]:
        incident, alerts = await asyncio.to_thread(self._read, incident_id)
        environment = self._deps.environments(incident.environment)
        crew = self._deps.crew_of(incident.environment)
        briefing = Briefing(
            incident=incident,
            environment=environment,
            now=environment.clock.now(),
            memory=self._deps.memory,
            menu=self._deps.executor.menu(incident.environment),
            pace=self._deps.terms.pace,
            alerts=alerts,
            runbooks=matching(self._deps.runbooks, incident, alerts),
            once=once,
        )
        attempt = attempt_of(incident, number)
        answer: Answer[Any]
        match agent:
            case "triage":
                answer = await crew.triage(briefing)
            case "diagnose":
                answer = await crew.diagnose(briefing)
            case "reason":
                diagnosis = _kept(attempt.diagnosis)
                answer = await crew.reason(briefing, diagnosis) if crew.reason else _GONE
            case "plan":
                diagnosis = acting(_kept(attempt.diagnosis), attempt.reasoned)
                answer = await crew.plan(briefing, diagnosis)
            case "choose":
                plan = _kept(attempt.plan)
                answer = await crew.choose(briefing, plan) if crew.choose else _GONE
            case "critique":
                answer = await crew.critique(briefing, _kept(attempt.prepared))
            case "verify":
                lately = briefing.now - briefing.pace.hold
                begin = datetime.fromisoformat(since) if since else lately
                answer = await crew.verify(briefing, _kept(attempt.plan).criteria, begin)
            case _:
                events = await asyncio.to_thread(self._events, incident_id)
                answer = await crew.report(briefing, events)
        return answer

    def _read(self, incident_id: str) -> tuple[Incident, AlertList]:
        with self._deps.store.read() as view:
            return found(view, incident_id), view.alerts.of_incident(incident_id)

    def _events(self, incident_id: str) -> tuple[Event, ...]:
        with self._deps.store.read() as view:
            return view.events.after(0, incident=incident_id, limit=5000)


def _kept(value: T | None) -> T:
    if value is None:
        raise LookupError("The attempt was not recorded as far as this question needs it.")
    return value


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
            if seen.verdict is TriageVerdict.CONFIRMED or seen.not_mine is not None:
                return seen
            if seen.verdict is TriageVerdict.CONTRADICTED and now - began >= self._pace.within:
                return seen
            if seen.verdict is TriageVerdict.UNSEEN and look >= UNSEEN_LOOKS:
                return seen
            await self._until_next(incident_id, now)

    async def again(self, incident_id: str) -> bool:
        """Look again at what was dismissed and fires on; return whether it is reopened.

        It rests while telemetry contradicts it still; what cannot be seen is no reason to rest.
        """
        look = 0
        while True:
            answer = await self._ask.triage(incident_id)
            seen, now = await step("triaged", self._record.triaged, incident_id, look, answer)
            look += 1
            if seen.verdict is not TriageVerdict.UNSEEN or look >= UNSEEN_LOOKS:
                return await step("looked", SecondLook(self._deps).looked, incident_id, seen)
            await self.wait(incident_id, self._pace.look, now)

    async def diagnose(self, incident_id: str, number: int) -> None:
        """Keep a diagnosis; look again while it is unsure, give up when it sees nothing."""
        why = ""
        for look in range(UNSEEN_LOOKS):
            answer = await self._ask.diagnose(incident_id)
            seen = answer.value
            if seen and (seen.confidence is not Confidence.LOW or look >= UNSURE_LOOKS):
                kept = self._record.diagnosed
                asked = await step("diagnosed", kept, incident_id, number, seen, answer.effort)
                return await self._reason(incident_id, number) if asked else None
            unsure = self._record.unsure
            why, now = await step("unsure", unsure, incident_id, number, look, answer)
            await self._until_next(incident_id, now)
        raise IncidentEnded(Ending.HANDED_OVER, f"telemetry could not be read: {why}")

    async def choose(self, incident_id: str, number: int) -> None:
        """Let a model say which candidate it would take; the plan stays what it is."""
        answer = await self._ask.choose(incident_id, number)
        await step("chosen", self._record.chosen, incident_id, number, answer)
        await self.stop_if_taken(incident_id)

    async def _reason(self, incident_id: str, number: int) -> None:
        """Let a model think about what statistics said, which is told already."""
        answer = await self._ask.reason(incident_id, number)
        await step("reasoned", self._record.reasoned, incident_id, number, answer)
        await self.stop_if_taken(incident_id)

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
        """End at this boundary when a person took the incident over or changed its alerts."""
        people = await step("taken", Meanwhile(self._deps).interrupted, incident_id)
        if people.ending is not None:
            raise IncidentEnded(people.ending, TAKEN_OVER)
        if people.anew:
            raise Regrouped

    async def _until_next(self, incident_id: str, now: datetime) -> None:
        await self.stop_if_taken(incident_id)
        await self.wait(incident_id, self._pace.look, now)

    async def _wait(self, incident_id: str, length: timedelta, since: datetime | None) -> None:
        incident = await asyncio.to_thread(incident_of, self._deps, incident_id)
        environment = self._deps.environments(incident.environment)
        await environment.clock.wait_until((since or environment.clock.now()) + length)
