"""What does an incident cost on the shop, beside the same number of empty durable steps?"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from statistics import median

from bench.row import Row

LIMIT_PLAN_S, LIMIT_RATIO, TIMES = 1.0, 3.0, 5


def rows() -> Iterator[Row]:
    """Yield CPU seconds from alert to waiting plan, and a story step's cost in empty steps."""
    runs = [_run() for _ in range(TIMES)]
    if endings := {run["ending"] for run in runs} - {"resolved"}:
        raise RuntimeError(f"the measured incident did not end as it should: {endings}")
    to_plan = median(run["to_plan"] for run in runs)
    founding = median(run["founding"] for run in runs)
    note = f"the shop itself took {founding:.2f} s to break"
    yield Row("alert -> plan waiting, CPU", to_plan, "s", LIMIT_PLAN_S, note)
    empty = median(run["empty"] for run in runs)
    step = median(run["to_end"] / _recorded(run) for run in runs)
    calm = median((run["to_end"] - run["thinking"]) / _recorded(run) for run in runs)
    note = (
        f"{runs[0]['steps']} steps and {runs[0]['stories']} workflows, {1000 * step:.2f} ms CPU "
        f"each; empty {1000 * empty:.2f} ms"
    )
    yield Row("a story step, in empty DBOS steps", step / empty, "x", LIMIT_RATIO, note)
    yield Row("the same without the agents' thinking", calm / empty, "x")


def _recorded(run: dict[str, float]) -> float:
    """Everything that the engine recorded: a child's beginning costs as much as a step."""
    return run["steps"] + run["stories"]


def _run() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "bench.story_run", folder], capture_output=True, check=True
        )
    return dict(json.loads(done.stdout))
