"""The shop's rows: is the cause found, plain and degraded, and does a healthy shop stay alone?

python -m bench diagnosis [--seed N] [--seeds 5] [--healthy 60] [--full] [--jobs 1]

Each of the eleven scenarios with each seed in ten conditions, and healthy shops about which an
alert is told. What is done is kept for one state of the source, so a run that was cut off goes on.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from aiops_agent.evaluation.goals import Goal, share
from bench.shop_runs import (
    DEGRADED,
    NO_GRAPH,
    PLAIN,
    TOGETHER,
    TWO,
    Run,
    every,
    healthy,
    runs,
)
from tools.prove import fingerprint

ROOT = Path(__file__).parents[1]
FULL_SEEDS, FULL_HEALTHY = 100, 500
IN_A_ROW = 10  # alerts about one healthy shop: living through an hour costs more than looking
APART = 10_000  # shop seeds of one --seed
HEALTHY = "healthy"
# Of each condition: right, plans made where something could be done, harmful.
GOALS: dict[str, tuple[str, str, str]] = {
    PLAIN.name: (">= 0.99", ">= 0.8", "<= 0.02"),
    **{one.name: (">= 0.99", ">= 0.8", "<= 0.02") for one in DEGRADED},
    TWO.name: (">= 0.98", ">= 0.8", "<= 0.02"),
    NO_GRAPH.name: (">= 0.9", ">= 0.7", "<= 0.02"),
    TOGETHER.name: (">= 0.8", ">= 0.5", "<= 0.05"),
}
WRONG_HIGH = "<= 0.005"

Task = tuple[str, int]  # a scenario, or HEALTHY, and a shop's seed


def main(arguments: list[str]) -> int:
    """Print the rows; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="bench diagnosis", description="The rows of the shop.")
    parser.add_argument("--seed", type=int, default=1, help="which shops")
    parser.add_argument("--seeds", type=int, default=5, help="shops of each scenario")
    parser.add_argument("--healthy", type=int, default=60, help="alerts about healthy shops")
    parser.add_argument(
        "--full", action="store_true", help=f"{FULL_SEEDS} shops, {FULL_HEALTHY} healthy alerts"
    )
    parser.add_argument("--scenario", default="", help="only this one")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "diagnosis", help="where results are kept"
    )
    parser.add_argument("--again", action="store_true", help="also what is done already")
    asked = parser.parse_args(arguments)
    if asked.full:
        asked.seeds, asked.healthy = FULL_SEEDS, FULL_HEALTHY
    first = asked.seed * APART
    tasks = list(every(range(first, first + asked.seeds)))
    tasks += [(HEALTHY, first + n) for n in range(-(-asked.healthy // IN_A_ROW))]
    wanted = [task for task in tasks if asked.scenario in ("", task[0])]
    asked.folder.mkdir(parents=True, exist_ok=True)
    kept = asked.folder / f"{fingerprint(ROOT)}.jsonl"
    if asked.again:
        kept.unlink(missing_ok=True)
    found = [one for _, these in done(kept, wanted, asked.jobs) for one in these]
    for one in sorted(found, key=lambda run: (run.condition, run.scenario, run.seed)):
        if not one.right or one.harmful:
            print(f"missed: {told(one)}", file=sys.stderr)
    goals = list(rows(found))
    print("\n".join(goal.json() for goal in goals))
    return 0 if all(goal.met for goal in goals) else 1


def done(kept: Path, wanted: Sequence[Task], jobs: int) -> Iterator[tuple[Task, list[Run]]]:
    """Yield what was wanted with its runs: what is kept first, then the rest, each kept at once."""
    known = dict(read(kept))
    yield from ((task, known[task]) for task in wanted if task in known)
    left = [task for task in wanted if task not in known]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as workers:
        made = workers.map(of, left) if jobs > 1 else map(of, left)
        for task, these in zip(left, made, strict=True):
            with kept.open("a") as file:
                line = {"task": task, "runs": [asdict(one) for one in these]}
                file.write(json.dumps(line) + "\n")
            yield task, these


def read(kept: Path) -> Iterator[tuple[Task, list[Run]]]:
    """Return what was kept; a torn last line is not there yet."""
    lines = kept.read_text().split("\n")[:-1] if kept.exists() else []
    for line in map(json.loads, lines):
        yield (line["task"][0], line["task"][1]), [Run(**one) for one in line["runs"]]


def of(task: Task) -> list[Run]:
    """Run one shop."""
    scenario, seed = task
    if scenario == HEALTHY:
        return asyncio.run(healthy(seed, IN_A_ROW))
    return asyncio.run(runs(scenario, seed))


def told(one: Run) -> str:
    """Say how a run came out, in a line."""
    harm = " and is harmful" if one.harmful else ""
    named = f"{one.kind} of {one.named}" if one.named else "nothing"
    plan = f", plan {one.plan}{harm}" if one.plan else ""
    sure = f" ({one.confidence})" if one.confidence else ""
    return f"{one.condition}: {one.scenario}, seed {one.seed}: {named} named{sure}{plan}"


def rows(found: Iterable[Run]) -> Iterator[Goal]:
    """Yield what is promised of the shop, each row with what came out."""
    everything = list(found)
    broken = [one for one in everything if not one.scenario.startswith(HEALTHY)]
    for condition, goals in GOALS.items():
        yield from _of_condition(condition, goals, [b for b in broken if b.condition == condition])
    plain = [one for one in broken if one.condition == PLAIN.name and one.named]
    high = (one.high for one in plain if one.right)
    if plain:
        yield Goal("HIGH of the right ones, plain", *share(high), ">= 0.4")
    two = [one for one in broken if one.condition == TWO.name]
    if two:
        both = (one.both for one in two)
        yield Goal("both among the first two, two faults", *share(both), ">= 0.95")
    degraded = {one.name for one in (*DEGRADED, TWO)}
    these = [one for one in broken if one.condition in degraded]
    yield from _of_condition("all degraded", (">= 0.99", ">= 0.8", "<= 0.02"), these)
    well = [one for one in everything if one.scenario.startswith(HEALTHY)]
    if well:
        yield Goal("nothing wrong, healthy", *share(one.right for one in well), ">= 0.99")
        yield Goal("plans that act, healthy", *share(one.harmful for one in well), "<= 0.01")


def _of_condition(name: str, goals: tuple[str, str, str], found: Sequence[Run]) -> Iterator[Goal]:
    if not found:
        return
    right, planned, harmful = goals
    yield Goal(f"right, {name}", *share(one.right for one in found), right)
    curable = (one.planned for one in found if one.curable)
    yield Goal(f"plans made, {name}", *share(curable), planned)
    yield Goal(f"harmful, {name}", *share(one.harmful for one in found), harmful)
    wrong = (one.high and not one.right for one in found)
    yield Goal(f"wrong with HIGH, {name}", *share(wrong), WRONG_HIGH)
