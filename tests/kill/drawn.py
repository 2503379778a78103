"""Where processes die while a model is asked, and what must have been kept then."""

import random
from pathlib import Path

from tests.kill.job import REASONED, Job
from tests.kill.reasoned import AFTER, ANSWERED, BEFORE, CALLED, DURING, LOOKED_UP, Counted

KINDS = (BEFORE, DURING, AFTER, ANSWERED, CALLED, LOOKED_UP)
TOOLS = 1  # used by the scripted model before the plan


def job(folder: Path, *kills: str, once: str = "ours") -> Job:
    """Return a run of the incident that dies at these points."""
    return Job(str(folder / "-".join(["at", *kills])), REASONED, list(kills), once=once)


def judged(run: Counted, calm: int) -> list[str]:
    """Return what is wrong with a run that was killed."""
    kills = run.ended.job.kills
    found = [*run.ended.wrong, *run.defects]
    if run.ended.died != kills:
        found.append(f"died at {run.ended.died} instead of {kills}")
    if not calm <= run.requests <= calm + len(kills):
        found.append(f"{run.requests} requests; {calm} without a death, {len(kills)} in flight")
    return found


def counted(runs: list[Counted], calm: int) -> str:
    """Say in a line what was counted."""
    again = sum(run.requests - calm for run in runs)
    deaths = sum(len(run.ended.died) for run in runs)
    return (
        f"model kills: {len(runs)} runs, {deaths} kills at {len(KINDS)} kinds of point, "
        f"{calm} requests without a death, {again} requests made again, all of them in flight"
    )


def drawn(folder: Path, calm: int, *, seed: int, runs: int) -> list[Job]:
    """Draw where to die: each kind in turn, each request; some runs die twice."""
    dice = random.Random(seed)
    jobs = []
    for number in range(runs):
        kind = KINDS[number % len(KINDS)]
        first = dice.randint(1, TOOLS if kind in (CALLED, LOOKED_UP) else calm)
        kills = [f"{kind}{first}"]
        if number % 5 == 0 and kind == BEFORE:
            kills.append(f"{AFTER}{first + 1}")
        jobs.append(Job(str(folder / f"run-{number}"), REASONED, kills))
    return jobs
