"""What was promised, beside what was measured."""

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class MeasuredGoal:
    """One row: `n` cases, what is promised, what came out; `most` turns the goal into a limit.

    A goal of None promises nothing: the row only tells.
    """

    row: str
    n: int
    goal: float | None
    measured: float
    most: bool = False

    @property
    def met(self) -> bool:
        """Whether it holds; of no cases nothing holds."""
        if self.goal is None:
            return True
        kept = self.measured <= self.goal if self.most else self.measured >= self.goal
        return self.n > 0 and kept

    def json(self) -> str:
        """Return the row as one line of JSON."""
        told = {"row": self.row, "n": self.n, "goal": self.goal, "measured": self.measured}
        return json.dumps({**told, "met": self.met})


def share(flags: Iterable[bool]) -> tuple[int, float]:
    """Return how many there are, and the share that is true; 0 of none."""
    known = list(flags)
    return len(known), round(sum(known) / len(known), 4) if known else 0.0
