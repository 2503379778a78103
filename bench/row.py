"""One measured figure beside its limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """What was measured, in `unit`; `limit` is the largest value allowed, None if only told."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""

    @property
    def kept(self) -> bool:
        """Whether the limit is kept."""
        return self.limit is None or self.value <= self.limit

    def __str__(self) -> str:
        limit = "" if self.limit is None else f"<= {self.limit:g}"
        verdict = "" if self.limit is None else ("ok" if self.kept else "TOO MUCH")
        figure = f"{self.name:<44} {self.value:>9.2f} {self.unit:<5}"
        return f"{figure} {limit:>8}  {verdict:<8}  {self.note}"


def typical(measure: Callable[[], float], *, times: int) -> float:
    """Return the median of several measurements."""
    return median(measure() for _ in range(times))


def report(rows: Sequence[Row]) -> bool:
    """Print the rows and their count; true when every limit is kept."""
    limited = [row for row in rows if row.limit is not None]
    over = [row for row in limited if not row.kept]
    for row in rows:
        print(row)
    print(f"bench: {len(limited)} limits, {len(limited) - len(over)} kept, {len(over)} exceeded")
    return not over
