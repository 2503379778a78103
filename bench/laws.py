"""Does blame depend on what was measured and on nothing else? Each law over many drawn systems.

python -m bench laws [--seed N] [--seeds 300]
"""

import argparse
import sys
from collections.abc import Iterator

from aiops_agent.evaluation.goals import Goal
from tests.reasoning.blame_laws import HEALTHY, LAWS, Law, healthy

APART = 1_000_000  # systems of one --seed
NEWCOMERS = 1_000  # systems that get a healthy service more: of those one in a hundred may err


def main(arguments: list[str]) -> int:
    """Print a row for each law; 1 when one is broken."""
    parser = argparse.ArgumentParser(prog="bench laws", description="Laws of blame, counted.")
    parser.add_argument("--seed", type=int, default=1, help="which systems")
    parser.add_argument("--seeds", type=int, default=300, help="systems for each law")
    parser.add_argument("--newcomers", type=int, default=NEWCOMERS, help="systems that grow")
    asked = parser.parse_args(arguments)
    first = asked.seed * APART
    goals = []
    for name, law in LAWS.items():
        broken = sum(1 for _ in _broken(name, law, range(first, first + asked.seeds)))
        goals.append(Goal(f"breaks the law: {name}", asked.seeds, broken, "<= 0"))
    displaced = sum(1 for _ in _broken(HEALTHY, healthy, range(first, first + asked.newcomers)))
    part = displaced / max(asked.newcomers, 1)
    goals.append(Goal(HEALTHY, asked.newcomers, part, "<= 0.01"))
    print("\n".join(goal.json() for goal in goals))
    return 0 if all(goal.met for goal in goals) else 1


def _broken(name: str, law: Law, seeds: range) -> Iterator[int]:
    for seed in seeds:
        if said := law(seed):
            print(f"missed: {name}, seed {seed}: {said[:300]}", file=sys.stderr)
            yield seed
