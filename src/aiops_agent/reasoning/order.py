"""Order statistics of short arrays: numpy's general ones cost five times as much per call."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.float64] | Sequence[float]


def median(values: Numbers) -> float:
    """Return the median of at least one finite value."""
    ordered = np.sort(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[half])
    return (float(ordered[half - 1]) + float(ordered[half])) / 2


def quantiles(values: Numbers, *wanted: float) -> tuple[float, ...]:
    """Return the quantiles (0..1) of at least one finite value, linear between two samples."""
    ordered = np.sort(values)
    last = len(ordered) - 1
    found = []
    for share in wanted:
        low = min(int(share * last), max(last - 1, 0))
        below, above = float(ordered[low]), float(ordered[min(low + 1, last)])
        found.append(below + (above - below) * (share * last - low))
    return tuple(found)
