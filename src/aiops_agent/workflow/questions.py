"""The six questions, each a durable child of the story: once answered, never asked again.

Inputs and answers are plain JSON. An answer is {"answer": document, "took": seconds} or, when
telemetry did not answer, {"unseen": reason, "took": seconds}.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from dbos import DBOS, DBOSConfiguredInstance

from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.diagnosis import Diagnosis
from aiops_agent.domain.errors import PlatformError, SourceError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.domain.remediation import Criterion, PreparedPlan
from aiops_agent.domain.value import Document, Value
from aiops_agent.workflow.deps import Deps

FOREVER = None  # how often a restart may resume a question


@DBOS.dbos_class()
class Questions(DBOSConfiguredInstance):
    """Asks the crew. Each method is a versioned workflow of its own."""

    def __init__(self, name: str, deps: Deps) -> None:
        super().__init__(name)
        self._deps = deps

    @DBOS.workflow(name="triage.v1", max_recovery_attempts=FOREVER)
    async def triage(self, incident_id: str) -> Document:
        """Is it real, and how bad?"""
        briefing = await self._briefing(incident_id)
        return await _answered(lambda: self._deps.crew.triage(briefing))

    @DBOS.workflow(name="diagnose.v1", max_recovery_attempts=FOREVER)
    async def diagnose(self, incident_id: str) -> Document:
        """What is the cause, and what is not known?"""
        briefing = await self._briefing(incident_id)
        return await _answered(lambda: self._deps.crew.diagnose(briefing))

    @DBOS.workflow(name="plan.v1", max_recovery_attempts=FOREVER)
    async def plan(self, incident_id: str, diagnosis: Document) -> Document:
        """What should be done?"""
        briefing = await self._briefing(incident_id)
        found = Diagnosis.of(diagnosis)
        return await _answered(lambda: self._deps.crew.plan(briefing, found))

    @DBOS.workflow(name="critique.v1", max_recovery_attempts=FOREVER)
    async def critique(self, incident_id: str, prepared: Document) -> Document:
        """What could go wrong with it?"""
        briefing = await self._briefing(incident_id)
        plan = PreparedPlan.of(prepared)
        return await _answered(lambda: self._deps.crew.critique(briefing, plan))

    @DBOS.workflow(name="verify.v1", max_recovery_attempts=FOREVER)
    async def verify(self, incident_id: str, criteria: list[Document], since: str) -> Document:
        """Did it help?"""
        briefing = await self._briefing(incident_id)
        wanted = tuple(Criterion.of(criterion) for criterion in criteria)
        begin = datetime.fromisoformat(since)
        return await _answered(lambda: self._deps.crew.verify(briefing, wanted, begin))

    @DBOS.workflow(name="report.v1", max_recovery_attempts=FOREVER)
    async def report(self, incident_id: str) -> Document:
        """What is to be remembered?"""
        briefing = await self._briefing(incident_id)
        events = await asyncio.to_thread(self._events, incident_id)
        return await _answered(lambda: self._deps.crew.report(briefing, events))

    async def _briefing(self, incident_id: str) -> Briefing:
        incident, past = await asyncio.to_thread(self._remember, incident_id)
        environment = self._deps.environments(incident.environment)
        return Briefing(
            incident=incident,
            environment=environment,
            now=environment.clock.now(),
            past=past,
            menu=self._deps.executor.menu(incident.environment),
            pace=self._deps.terms.pace,
        )

    def _remember(self, incident_id: str) -> tuple[Incident, tuple[PastIncident, ...]]:
        with self._deps.store.begin() as work:
            incident = work.incidents.get(incident_id)
            if incident is None:
                raise LookupError(f"There is no incident {incident_id}.")
            family = incident.environment.split(":", 1)[0]
            return incident, work.archive.cases(family)

    def _events(self, incident_id: str) -> tuple[Event, ...]:
        with self._deps.store.begin() as work:
            return work.events.after(0, incident=incident_id, limit=5000)


async def _answered(ask: Callable[[], Awaitable[Value | None]]) -> Document:
    begin = time.perf_counter()
    try:
        answer = await ask()
    except (SourceError, PlatformError) as error:
        return {"unseen": str(error), "took": time.perf_counter() - begin}
    document = None if answer is None else answer.document()
    return {"answer": document, "took": time.perf_counter() - begin}
