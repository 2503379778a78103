"""Earlier trouble in the time looked at: it is over, and is neither usual nor the beginning.

Ours; the middle distance from the middle as a width is textbook (MAD).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from aiops_agent.domain.telemetry import Signal
from aiops_agent.reasoning.measure import (
    FEWEST_BEFORE,
    FLOOR,
    RELATIVE_FLOOR,
    Floats,
    Stretch,
    Track,
    median,
    split,
    spread,
)

CALM_AGAIN = 6  # samples as before in a row: what comes behind them is another story
PEAK = 6.0  # widths above the middle: no usual busy minute is so far out
MOST = 1 / 3  # of the time before: trouble for longer is what is usual here


def last_split(seen: Track, latest: float) -> float | None:
    """Return the last moment, at most `latest`, at which a signal left what is usual; or None.

    An earlier one after which it was calm again is another story.
    """
    whole = seen
    seen = _without(seen, [one for one in peaks(seen, latest) if _over(seen, one, latest)])
    found = at = split(seen, latest)
    if at is None:
        return _last_rise(whole, latest)
    while at is not None:
        rest = _calmed(seen, at, latest)
        if rest is None:
            return found
        seen = rest
        at = split(seen, latest)
        found = at if at is not None else found
    return found


def _last_rise(seen: Track, latest: float) -> float | None:
    """Return when the peak that lasts until the end began, at most `latest`; None if none does.

    After much earlier trouble no one moment parts a quiet before from an after.
    """
    runs = _far(seen.values, seen.signal)
    if not runs or runs[-1][1] < len(seen.values):
        return None
    first = runs[-1][0]
    calm = first - (runs[-2][1] if len(runs) > 1 else 0)
    at = float(seen.at[first])
    return at if calm >= CALM_AGAIN and at <= latest else None


def _over(seen: Track, peak: Stretch, latest: float) -> bool:
    """Whether enough samples follow a peak, still before `latest`, to call it over."""
    return len(seen.between(peak[1], latest)) >= CALM_AGAIN


def _without(seen: Track, stretches: Sequence[Stretch]) -> Track:
    kept = np.ones(len(seen.at), dtype=np.bool_)
    for first, last in stretches:
        kept &= (seen.at <= first) | (seen.at >= last)
    return replace(seen, at=seen.at[kept], values=seen.values[kept])


def _calmed(seen: Track, at: float, latest: float) -> Track | None:
    """Return the track from where it was calm again for a while after `at`; None if never."""
    first = int(np.searchsorted(seen.at, at))
    before = seen.values[:first]
    level = median(before)
    noise = max(spread(before), RELATIVE_FLOOR * abs(level), FLOOR[seen.signal])
    calm = (np.abs(seen.values - level) <= 3.0 * noise) & (seen.at <= latest)
    run = 0
    for place in range(first, len(calm)):
        run = run + 1 if calm[place] else 0
        if run == CALM_AGAIN:
            start = place - CALM_AGAIN + 1
            return replace(seen, at=seen.at[start:], values=seen.values[start:])
    return None


def peaks(seen: Track, until: float) -> tuple[Stretch, ...]:
    """Return the stretches before `until` in which a signal was far above its middle.

    Two samples in a row at least, and one around them. None where they are a third of the time.
    """
    values = seen.between(-np.inf, until)
    runs = _far(values, seen.signal)
    if sum(b - a for a, b in runs) >= MOST * len(values):
        return ()
    last = len(values) - 1
    return tuple((float(seen.at[max(a - 1, 0)]), float(seen.at[min(b, last)])) for a, b in runs)


def _far(values: Floats, signal: Signal) -> list[tuple[int, int]]:
    """Return the runs of two and more samples that are far above the middle, by their places."""
    if len(values) < 2 * FEWEST_BEFORE:
        return []
    level = median(values)
    # The middle distance from the middle: unlike quartiles it holds until half is far out.
    width = 1.4826 * median(np.abs(values - level))
    far = values - level > PEAK * max(width, RELATIVE_FLOOR * abs(level), FLOOR[signal])
    edges = np.flatnonzero(np.diff(np.concatenate(([False], far, [False])).astype(np.int8)))
    places = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(first, end) for first, end in places if end - first >= 2]
