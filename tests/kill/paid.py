"""An agent that makes one call that costs, with a meter that outlives the process."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.crew import Crew, without_llm
from aiops_agent.domain.answer import Answer, Usage
from aiops_agent.domain.diagnosis import Diagnosis
from aiops_agent.domain.remediation import Plan
from tests.kill.job import Job

DURING, AFTER = "during-the-call", "after-the-call"  # where its process may die


def paying(job: Job, mark: Callable[[str], None]) -> Crew:
    """Return a crew whose planner pays for its plan."""
    sober = without_llm()

    async def call() -> Usage:
        with meter(job).open("a") as file:
            file.write("call\n")
        mark(DURING)
        return Usage(requests=1, input=100, output=10, cost=0.25)

    async def plan(briefing: Briefing, diagnosis: Diagnosis) -> Answer[Plan]:
        usage = await briefing.once("plan 1 a1b2", call, Usage)
        mark(AFTER)
        found = await sober.plan(briefing, diagnosis)
        return found.model_copy(update={"effort": found.effort.model_copy(update={"usage": usage})})

    return replace(sober, plan=plan)


def meter(job: Job) -> Path:
    """The file that holds one line per call that was made."""
    return Path(job.folder) / "calls.txt"


def calls(job: Job) -> int:
    """Return how often the call was made in all processes of a job."""
    return len(meter(job).read_text().splitlines())
