"""What was promised, beside what was measured: a line of JSON that programs read."""

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """One row: what was measured over `n` cases; `goal` says what is wanted, as "<= 0.01".

    A goal of "" promises nothing: the row only tells.
    """

    row: str
    n: int
    measured: float
    goal: str = ""

    @property
    def met(self) -> bool:
        """Whether it is reached; over no cases none is."""
        if not self.goal or not self.n:
            return not self.goal
        sign, wanted = self.goal.split()
        limit = float(wanted)
        if sign == ">":
            return self.measured > limit
        return self.measured >= limit if sign == ">=" else self.measured <= limit

    def json(self) -> str:
        """Return the row as one line of JSON."""
        measured = round(self.measured, 5)
        return json.dumps({"row": self.row, "n": self.n, "goal": self.goal, "measured": measured})


def share(flags: Iterable[bool]) -> tuple[int, float]:
    """Return how many there are, and the share that is true; 0 of none."""
    known = list(flags)
    return len(known), round(sum(known) / len(known), 4) if known else 0.0
