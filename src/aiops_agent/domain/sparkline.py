"""A line of small bars: how a signal moved."""

import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇"  # never the full block: neighbouring lines would fuse into one wall
_CALM = 5.0  # an unchanged signal fills a fifth, so that noise does not shout


def sparkline(values: Sequence[float], cells: int, *, changed: bool = True) -> str:
    """Return `values` as exactly `cells` bars, oldest left; a gap is a blank."""
    if not values or cells <= 0:
        return " " * cells
    shown = [_middle(values, cell, cells) for cell in range(cells)]
    present = [value for value in shown if value is not None]
    if not present:
        return " " * cells
    low, high = min(present), max(present)
    if not changed:
        low, high = min(0.0, low), high * _CALM
    return "".join(_bar(value, low, high) for value in shown)


def _middle(values: Sequence[float], cell: int, cells: int) -> float | None:
    first = cell * len(values) // cells
    last = max((cell + 1) * len(values) // cells, first + 1)
    kept = [value for value in values[first:last] if math.isfinite(value)]
    return sum(kept) / len(kept) if kept else None


def _bar(value: float | None, low: float, high: float) -> str:
    if value is None:
        return " "
    if high <= low:
        return BARS[0]
    return BARS[round((value - low) / (high - low) * (len(BARS) - 1))]
