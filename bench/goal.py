"""A measured figure beside its goal, as a line of JSON that programs read."""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """What was measured over `n` cases; `goal` says what is wanted, as "<= 0.01"; "" only tells."""

    row: str
    n: int
    measured: float
    goal: str = ""

    @property
    def kept(self) -> bool:
        """Whether the goal is reached; over no cases none is."""
        if not self.goal or not self.n:
            return not self.goal
        sign, wanted = self.goal.split()
        limit = float(wanted)
        return self.measured >= limit if sign == ">=" else self.measured <= limit


def tell(goals: Iterable[Goal]) -> int:
    """Print each as JSON, what was missed on stderr too; return the exit code."""
    missed = 0
    for one in goals:
        measured = round(one.measured, 5)
        line = json.dumps({"row": one.row, "n": one.n, "goal": one.goal, "measured": measured})
        print(line, flush=True)
        if not one.kept:
            missed += 1
            print(f"missed: {line}", file=sys.stderr)
    return 1 if missed else 0
