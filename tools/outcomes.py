"""The outcome table: every scenario with many seeds, by the real service with every plan approved.

python tools/outcomes.py [--seeds 1-10] [--renamed] [--without-memory] [SCENARIO...]
"""

import argparse
import asyncio

from aiops_agent.evaluation.outcomes import EvaluationResult, measure, rendered
from aiops_agent.evaluation.run import Runner
from aiops_agent.simulator.scenarios import SCENARIOS
from aiops_agent.simulator.shop import BY_NAME

RENAMED = {name: f"unit-{place * 7 % 11}" for place, name in enumerate(BY_NAME)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Print the outcome table.")
    parser.add_argument("scenarios", nargs="*", help="all when none is named")
    parser.add_argument("--seeds", default="1-10", help="first-last")
    parser.add_argument("--renamed", action="store_true", help="give every service another name")
    parser.add_argument("--without-memory", action="store_true", help="begin with empty memory")
    asked = parser.parse_args()
    first, last = (int(part) for part in asked.seeds.split("-"))
    results: tuple[EvaluationResult, ...] = asyncio.run(
        measure(
            Runner(remember=not asked.without_memory),
            asked.scenarios or SCENARIOS,
            range(first, last + 1),
            RENAMED if asked.renamed else None,
        )
    )
    print(rendered(results), end="")
    return 0 if all(result.right for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
