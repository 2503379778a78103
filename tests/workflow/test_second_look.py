"""What was dismissed and fires on is looked at again by the real engine, under its own incident."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from dbos import DBOS, WorkflowHandleAsync

from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.crew import without_llm
from aiops_agent.bootstrap.application import Application
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.answer import STATISTICS, Answer, Effort
from aiops_agent.domain.diagnosis import Triage, TriageVerdict
from aiops_agent.domain.incident import Ending, Status
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.policy import Mode
from tests.workflow.running import Run

pytestmark = pytest.mark.slow

CONTRADICTED, CONFIRMED = TriageVerdict.CONTRADICTED, TriageVerdict.CONFIRMED


@dataclass
class Repeated(Run):
    """An incident that is dismissed, then its alert arrives once more."""

    verdict: TriageVerdict = CONTRADICTED
    stories: list[str] = field(default_factory=list)

    async def triage(self, briefing: Briefing) -> Answer[Triage]:
        """Say what is seen now."""
        seen = Triage(
            verdict=self.verdict,
            severity=Severity.SEV3,
            service=briefing.incident.service,
            signal=None,
            impact="it hurts",
            reason="as it is seen",
        )
        return Answer(value=seen, effort=Effort(by=STATISTICS))

    async def _live(self, built: Application) -> None:
        async with built.engine("shop") as engine:
            shop = await asyncio.to_thread(built.demo.begin, "traffic-surge", 1, remember=False)
            (self.name,) = await engine.intake(shop)
            await self._followed(engine)
            first = built.queries.delivery(1)
            self.verdict = self.then
            for story in ("~1", "~2"):
                given = {"digest": story, "id": 0, "progress": type(first.progress)()}
                built.intake.keep(first.model_copy(update=given))
                if await engine.intake(shop):
                    handle: WorkflowHandleAsync[str] = await DBOS.retrieve_workflow_async(
                        f"{self.name}{story}"
                    )
                    self.stories.append(str(await handle.get_result(polling_interval_sec=0.05)))
            self.events = list(built.queries.history(self.name))

    then: TriageVerdict = CONTRADICTED


@pytest.mark.parametrize(
    ("then", "stories", "reopened"),
    [
        (CONTRADICTED, ["dismissed", "dismissed"], 0),  # at each repetition
        (CONFIRMED, ["escalated"], 1),  # in mode observe a person has it; then it is only noted
        (TriageVerdict.UNSEEN, ["escalated"], 1),
    ],
)
def test_what_was_dismissed_is_looked_at_again_at_each_repetition(
    tmp_path: Path, then: TriageVerdict, stories: list[str], reopened: int
) -> None:
    run = Repeated(tmp_path, mode=Mode.OBSERVE, then=then)
    run.crew = replace(without_llm(), triage=run.triage)
    end = run.go()
    assert run.stories == stories
    assert len(run.told(EventType.INCIDENT_REOPENED)) == reopened
    assert len(run.told(EventType.INCIDENT_OPENED)) == 1
    assert len(run.told(EventType.INCIDENT_DISMISSED)) == 1
    assert end.status is (Status.ESCALATED if reopened else Status.DISMISSED)
    assert (end.ending is Ending.DISMISSED, end.looking) == (not reopened, False)
    assert [one.number for one in end.attempts] == ([1] if reopened else [])
    assert len({event.key for event in run.events}) == len(run.events)
