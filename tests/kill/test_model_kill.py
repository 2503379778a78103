"""`kill -9` at every point of an agent's run with a model: what was paid for is not paid twice."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kill.job import REASONED, Job
from tests.kill.reasoned import (
    AFTER,
    ANSWERED,
    BEFORE,
    CALLED,
    DURING,
    LOOKED_UP,
    Counted,
    run_counted,
)

Record = Callable[[str, object], None]
SEED = 20261127
RUNS = 50  # of the whole proof
KINDS = (BEFORE, DURING, AFTER, ANSWERED, CALLED, LOOKED_UP)
TOOLS = 1  # used by the scripted model in this incident


def job(folder: Path, *kills: str, once: str = "ours") -> Job:
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
    again = sum(run.requests - calm for run in runs)
    deaths = sum(len(run.ended.died) for run in runs)
    return (
        f"model kills: {len(runs)} runs, {deaths} kills at {len(KINDS)} kinds of point, "
        f"{calm} requests without a death, {again} requests made again, all of them in flight"
    )


def drawn(folder: Path, calm: int) -> list[Job]:
    """Draw where to die: each kind in turn, each request; every fifth run dies twice."""
    dice = random.Random(SEED)
    jobs = []
    for number in range(RUNS):
        kind = KINDS[number % len(KINDS)]
        first = dice.randint(1, TOOLS if kind in (CALLED, LOOKED_UP) else calm)
        kills = [f"{kind}{first}"]
        if number % 5 == 0 and kind == BEFORE:
            kills.append(f"{AFTER}{first + 1}")
        jobs.append(Job(str(folder / f"run-{number}"), REASONED, kills))
    return jobs


def test_a_process_that_dies_around_a_request_pays_for_the_one_in_flight_only(
    tmp_path: Path, record_property: Record
) -> None:
    points = [f"{BEFORE}2", f"{ANSWERED}3", f"{CALLED}1"]
    [whole, *runs] = run_counted([job(tmp_path), *(job(tmp_path, one) for one in points)])
    calm = whole.requests
    record_property("count", counted(runs, calm))
    assert calm >= 4
    assert [judged(run, calm) for run in (whole, *runs)] == [[]] * 4
    # In flight: made again. Answered but not checkpointed: the same. Between call and tool: not.
    assert [run.requests - calm for run in runs] == [1, 1, 0]


def test_answers_that_leave_no_checkpoint_are_paid_again_and_caught(tmp_path: Path) -> None:
    """A planted defect: what the provider's count is for."""
    [whole, forgetful] = run_counted([job(tmp_path), job(tmp_path, f"{BEFORE}3", once="forgets")])
    assert judged(whole, whole.requests) == []
    assert any("requests" in flaw for flaw in judged(forgetful, whole.requests))


@pytest.mark.real
@pytest.mark.timeout(1800)
def test_fifty_deaths_at_drawn_points(tmp_path: Path, record_property: Record) -> None:
    [whole] = run_counted([job(tmp_path)])
    runs = run_counted(drawn(tmp_path, whole.requests))
    record_property("count", counted(runs, whole.requests))
    wrong = {run.ended.job.folder: judged(run, whole.requests) for run in runs}
    assert {name: found for name, found in wrong.items() if found} == {}
    assert len(runs) == RUNS
