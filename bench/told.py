"""Goals as programs read them: a line of JSON each, what is missed on stderr too."""

import sys
from collections.abc import Iterable

from aiops_agent.evaluation.goals import Goal


def tell(goals: Iterable[Goal]) -> int:
    """Print each as JSON, what was missed on stderr too; return the exit code."""
    missed = 0
    for one in goals:
        print(one.json(), flush=True)
        if not one.met:
            missed += 1
            print(f"missed: {one.json()}", file=sys.stderr)
    return 1 if missed else 0
