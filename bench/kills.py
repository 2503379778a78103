"""Kill -9 at drawn points of an agent's run with a model, counting requests at the provider.

`python -m bench kills --seed N [--most N]`.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aiops_agent.evaluation.goals import Goal
from bench.told import tell
from tests.kill.drawn import KINDS, counted, drawn, job, judged
from tests.kill.reasoned import run_counted

RUNS = 50


def measured(folder: Path, *, seed: int, runs: int) -> tuple[list[Goal], str]:
    """Live the runs; return what was promised beside what was seen, and the counts in a line."""
    [whole] = run_counted([job(folder)])
    calm = whole.requests
    killed = run_counted(drawn(folder, calm, seed=seed, runs=runs))
    wrong = {run.ended.job.folder: judged(run, calm) for run in (whole, *killed)}
    for name, flaws in wrong.items():
        for flaw in flaws:
            print(f"{Path(name).name}: {flaw}", file=sys.stderr)
    deaths = [point for run in killed for point in run.ended.died]
    kinds = {kind for kind in KINDS if any(point.startswith(kind) for point in deaths)}
    beyond = sum(max(run.requests - calm - len(run.ended.job.kills), 0) for run in killed)
    found = [
        Goal("killed runs that lost, doubled or repeated something", len(killed),
             sum(bool(flaws) for flaws in wrong.values()), "<= 0"),
        Goal("requests paid again beyond the one in flight", len(deaths), beyond, "<= 0"),
        Goal("kinds of point at which a process died", len(deaths), len(kinds), f">= {len(KINDS)}"),
        Goal("requests of a run without a death", 1, calm, ">= 4"),
    ]  # fmt: skip
    return found, counted(killed, calm)


def main(arguments: Sequence[str]) -> int:
    """Measure; 1 when something was lost or paid twice."""
    parser = argparse.ArgumentParser(prog="bench kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=RUNS, help="so many runs")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        goals, words = measured(Path(folder), seed=given.seed, runs=given.most)
    print(words, file=sys.stderr)
    return tell(goals)
