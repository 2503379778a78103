"""The process that dies: runs the house on the shop and kills itself at the next point of a job."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dbos import DBOS

from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.crew import Crew, without_llm
from aiops_agent.bootstrap.house import House, Parts, house
from aiops_agent.domain.diagnosis import Diagnosis
from aiops_agent.domain.point import Mark, Point
from aiops_agent.domain.remediation import Action, ActionKind, Plan
from aiops_agent.safety.execute import Executor
from aiops_agent.workflow.engine import Engine
from tests.kill.job import HELPS, TAKEN_BACK, Job
from tests.kill.planted import RecordsAfterActing

HELPLESS = Action(kind=ActionKind.SCALE_PODS, target="mail-worker", wished={"replicas": 5})
SCENARIOS = {
    HELPS: "hung-process",  # a restart: done twice, it would be seen twice
    TAKEN_BACK: "traffic-surge",
}
EXECUTORS: dict[str, Callable[[Executor], Executor]] = {
    "ours": lambda executor: executor,
    "records after acting": RecordsAfterActing.of,
}


def live(job: Job) -> None:
    """Work on the job's incident until its story is over, or until the next point to die at."""
    crew = hasty() if job.plot == TAKEN_BACK else None
    parts = Parts(crew=crew, executor=EXECUTORS[job.executor], mark=death(job))
    built = house(job.settings(), parts)
    first = not (Path(job.folder) / "shops").exists()
    asyncio.run(work(built, SCENARIOS[job.plot], first=first))
    built.close()


async def work(built: House, scenario: str, *, first: bool) -> None:
    """The first process breaks a shop; the later ones go on with what they find."""
    async with built.engine("shop") as engine:
        if first:
            shop = await asyncio.to_thread(built.demo.begin, scenario, 1, remember=False)
            await engine.intake(shop)
        incident = await opened(engine)
        story = await DBOS.retrieve_workflow_async(incident)
        await story.get_result(polling_interval_sec=0.05)


async def opened(engine: Engine) -> str:
    """Return the incident as soon as it is there; it is not started here."""
    service = engine.service
    while not (found := await asyncio.to_thread(service.incidents)):  # noqa: ASYNC110 -- a store
        await asyncio.sleep(0.02)
    while await DBOS.get_workflow_status_async(found[0].id) is None:  # noqa: ASYNC110 -- a store
        await asyncio.sleep(0.02)
    return found[0].id


def death(job: Job) -> Mark:
    """Return a mark that kills this process, as `kill -9` does, at the next point of the job."""
    left = job.kills[len(job.died) :]

    def mark(point: Point) -> None:
        if left and point.value == left[0]:
            job.die(point)
            os.kill(os.getpid(), signal.SIGKILL)

    return mark


def hasty() -> Crew:
    """Return a crew whose first plan touches a service that has nothing to do with it."""
    sober = without_llm()

    async def plan(briefing: Briefing, diagnosis: Diagnosis) -> Plan:
        found = await sober.plan(briefing, diagnosis)
        tried = [attempt for attempt in briefing.incident.attempts if attempt.outcome]
        if tried:
            return found
        return found.model_copy(update={"actions": (HELPLESS,), "hypothesis": ""})

    return replace(sober, plan=plan)
