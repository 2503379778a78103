"""The six questions, each a durable child of the incident's workflow: once answered, never again.

What a question needs is read from the incident, so ids are all that the store keeps of the asking.
"""

import asyncio
from datetime import datetime
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfiguredInstance

from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.alert import AlertList
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.approval import Opinion
from aiops_agent.domain.diagnosis import Diagnosis, Triage
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Attempt, Incident
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.remediation import Plan, Verification
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.steps import Checkpoint, OnceSteps, returned, value_of
from aiops_agent.workflow.transaction import incident_of

T = TypeVar("T")
FOREVER = None  # how often a restart may resume a workflow


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

    async def plan(self, incident_id: str, number: int) -> Answer[Plan]:
        """What should be done about the diagnosis of an attempt?"""
        return await self._answer(Answer[Plan], "plan", incident_id, number)

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
        """Let one agent answer; a restart asks it again, but not what it asked `once`."""
        incident, alerts = await asyncio.to_thread(self._read, incident_id)
        environment, crew = self._deps.environments(incident.environment), self._deps.crew
        briefing = Briefing(
            incident=incident,
            environment=environment,
            now=environment.clock.now(),
            memory=self._deps.memory,
            menu=self._deps.executor.menu(incident.environment),
            pace=self._deps.terms.pace,
            alerts=alerts,
            once=OnceSteps(),
        )
        attempt = next((a for a in incident.attempts if a.number == number), Attempt(number=number))
        answer: Answer[Any]
        match agent:
            case "triage":
                answer = await crew.triage(briefing)
            case "diagnose":
                answer = await crew.diagnose(briefing)
            case "plan":
                answer = await crew.plan(briefing, _kept(attempt.diagnosis))
            case "critique":
                answer = await crew.critique(briefing, _kept(attempt.prepared))
            case "verify":
                begin = (
                    datetime.fromisoformat(since) if since else briefing.now - briefing.pace.hold
                )
                answer = await crew.verify(briefing, _kept(attempt.plan).criteria, begin)
            case _:
                events = await asyncio.to_thread(self._events, incident_id)
                answer = await crew.report(briefing, events)
        return Checkpoint(answer, returned(getattr(self, agent)))

    def _read(self, incident_id: str) -> tuple[Incident, AlertList]:
        incident = incident_of(self._deps, incident_id)
        with self._deps.store.read() as view:
            return incident, view.alerts.of_incident(incident_id)

    def _events(self, incident_id: str) -> tuple[Event, ...]:
        with self._deps.store.read() as view:
            return view.events.after(0, incident=incident_id, limit=5000)


def _kept(value: T | None) -> T:
    if value is None:
        raise LookupError("The attempt was not recorded as far as this question needs it.")
    return value
