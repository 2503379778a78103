"""Nothing begins that may not begin any more: kills, deaths, changed plans, counted.

`python -m bench airlock --seed N [--most N]`.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aiops_agent.domain.point import Point
from aiops_agent.evaluation.goals import Goal
from bench.told import tell
from tests.kill.job import Job
from tests.kill.run import run_all
from tests.kill.then import Then, plot_of
from tests.safety import deaths
from tests.safety.test_approve import swapped

PLANS = 120  # each is changed at every leaf: some 180 changed plans
SEEDS = 10


def killed(folder: Path, most: int) -> tuple[list[Goal], list[str]]:
    """Kill a process at every point, let each thing happen, let the next go on."""
    pairs = [(point, then) for then in Then for point in Point][:most]
    jobs = [
        Job(str(folder / f"{n}"), plot_of(point), [point.value], then=then.value)
        for n, (point, then) in enumerate(pairs)
    ]
    ended = run_all(jobs)
    died = [one for one in ended if one.died]
    flaws = [f"{one.job.kills} {one.job.then}: {flaw}" for one in ended for flaw in one.wrong]
    points = {one.died[0] for one in died}
    return [
        Goal("kill -9, something happens, resumed: wrong sends", len(died), len(flaws), "<= 0"),
        Goal("named points at which a process died", len(died), len(points), f">= {len(Point)}"),
    ], flaws


def main(arguments: Sequence[str]) -> int:
    """Measure; 1 when something was sent that may not have been."""
    parser = argparse.ArgumentParser(prog="bench airlock")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=10_000, help="so many kills")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        goals, flaws = killed(Path(folder), given.most)
    lived = deaths.lived_through(range(given.seed, given.seed + SEEDS))
    tried, armed = swapped(PLANS)
    for flaw in (*lived.wrong, *armed, *flaws):
        print(flaw, file=sys.stderr)
    happenings = len(deaths.Then)
    return tell([
        Goal("changed plans refused", tried, tried - len(armed), ">= 20000"),
        Goal("changed plans armed", tried, len(armed), "<= 0"),
        Goal(f"deaths at every mark x {happenings} happenings: wrong", lived.deaths,
             len(lived.wrong), "<= 0"),
        *goals,
    ])  # fmt: skip
