"""How far is a signal from where it was, in units of its own noise?"""

# limit: one signal, from its samples to its shift

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from aiops_agent.domain.telemetry import Series, ServiceName, Signal

Floats: TypeAlias = npt.NDArray[np.float64]
Stretch: TypeAlias = tuple[float, float]  # from and until, seconds since the epoch

# Nobody cares about less than this: the smallest change worth a word, in the signal's unit.
FLOOR = {
    Signal.LATENCY: 0.004,
    Signal.TAIL: 0.004,
    Signal.TRAFFIC: 0.2,
    Signal.ERRORS: 0.005,
    Signal.SATURATION: 0.03,
    Signal.MEMORY: 0.02,
    Signal.POOL: 0.05,
    Signal.POOL_WAIT: 0.005,
    Signal.QUEUE: 3.0,
    Signal.CACHE_HITS: 0.02,
    Signal.REPLICAS: 0.2,
    Signal.RESTARTS: 0.5,
}
RELATIVE_FLOOR = 0.05  # of the own level
FEWEST_BEFORE = 4  # samples that make a "before"
FEWEST_LATEST = 3  # samples that make a "latest": one alone may be a spike
CLEAR = 4.0  # noise units that make a change
NOW_SECONDS = 120.0  # eight scrapes of 15 s: enough for a median


# Order statistics of short arrays: numpy's general ones cost five times as much per call.
def median(values: Floats | Sequence[float]) -> float:
    """Return the median of at least one finite value."""
    ordered = _ordered(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[half])
    return (float(ordered[half - 1]) + float(ordered[half])) / 2


def _ordered(values: Floats | Sequence[float]) -> Floats:
    ordered = np.array(values, dtype=np.float64)
    ordered.sort()
    return ordered


def quantiles(values: Floats | Sequence[float], *wanted: float) -> tuple[float, ...]:
    """Return the quantiles (0..1) of at least one finite value, linear between two samples."""
    ordered = _ordered(values)
    last = len(ordered) - 1
    found = []
    for share in wanted:
        low = min(int(share * last), max(last - 1, 0))
        below, above = float(ordered[low]), float(ordered[min(low + 1, last)])
        found.append(below + (above - below) * (share * last - low))
    return tuple(found)


@dataclass(frozen=True)
class Track:
    """One signal of one service, gaps left out; `at` in seconds since the epoch, ascending."""

    service: ServiceName
    signal: Signal
    at: Floats
    values: Floats
    source: str
    query: str

    @cached_property
    def step(self) -> float:
        """The usual time between two samples in seconds; 0 with fewer than two."""
        return median(self.at[1:] - self.at[:-1]) if len(self.at) > 1 else 0.0

    def between(self, start: float, end: float) -> Floats:
        """Return the values seen from `start` (included) to `end` (excluded)."""
        low, high = np.searchsorted(self.at, (start, end))
        return self.values[low:high]

    def points(self, start: float, end: float, most: int = 24) -> tuple[float, ...]:
        """Return at most `most` values between two moments, the worst of each bin kept."""
        values = self.between(start, end)
        if len(values) <= most:
            return tuple(round(float(v), 6) for v in values)
        bins = np.array_split(values, most)
        return tuple(round(median(part), 6) for part in bins)


def stamps(times: Sequence[datetime]) -> Floats:
    """Return the times in seconds since the epoch."""
    return np.array([at.timestamp() for at in times], dtype=np.float64)


def track(series: Series, at: Floats | None = None) -> Track | None:
    """Return the series without its gaps, or None when nothing is left.

    `at` may give the stamps of its times, where many series share them.
    """
    at = stamps(series.times) if at is None else at
    values = np.array([math.nan if v is None else v for v in series.values], dtype=np.float64)
    seen = np.isfinite(values)
    if not seen.any():
        return None
    at, values = at[seen], values[seen]
    if (at[1:] < at[:-1]).any():
        order = np.argsort(at, kind="stable")
        at, values = at[order], values[order]
    return Track(series.service, series.signal, at, values, series.source, series.query)


def finer(coarse: Track, fine: Track | None) -> Track:
    """Return the coarse track with its end replaced by a finer look at the same signal."""
    # At least a third finer: else the seam costs more than the detail brings.
    if fine is None or fine.step == 0 or fine.step > 0.7 * coarse.step:
        return coarse
    kept = int(np.searchsorted(coarse.at, fine.at[0]))
    at = np.concatenate((coarse.at[:kept], fine.at))
    return replace(coarse, at=at, values=np.concatenate((coarse.values[:kept], fine.values)))


@dataclass(frozen=True)
class Shift:
    """A signal before the trouble and now. `size` is signed and counted in noise units."""

    track: Track
    before: float
    now: float
    worst: float  # the middle of the worst half of the time since it began
    noise: float
    lasting: bool  # whether it is still, or was for most of the time, away from before
    onset: float | None  # when it left its usual range, seconds since the epoch
    highest: float = math.inf  # as high as it went before, single spikes set aside
    latest: float = math.nan  # the middle of the last samples; not a number with too few

    @property
    def delta(self) -> float:
        """How much it moved, in the signal's own unit."""
        return self.worst - self.before

    @property
    def size(self) -> float:
        """How much it moved in noise units; positive means up."""
        return self.delta / self.noise

    @property
    def ratio(self) -> float:
        """Now divided by before; before is never taken smaller than the noise."""
        return self.worst / max(self.before, self.noise)

    @property
    def up(self) -> bool:
        """Whether it rose beyond noise."""
        return self.size >= CLEAR and self.lasting

    @property
    def down(self) -> bool:
        """Whether it fell beyond noise."""
        return self.size <= -CLEAR and self.lasting

    def above(self, factor: float) -> bool:
        """Whether it is now `factor` times as high as it ever was before, however it varied."""
        return self.latest > factor * self.highest + FLOOR[self.track.signal]


def shift(
    seen: Track, start: float, now: float, peer: float = 0.0, ended: Sequence[Stretch] = ()
) -> Shift | None:
    """Compare the time before `start` with the time since; None when either was not seen.

    `peer` is the usual level of this signal elsewhere in the system: it lends a noise floor to
    series that are short or flat. What was seen within stretches that `ended` is left out before.
    """
    before = _outside(seen, start, ended)
    after = seen.between(start, np.inf)
    if len(after) == 0:
        return None
    if len(before) < FEWEST_BEFORE:
        if seen.signal is not Signal.ERRORS or len(before):
            return None
        before = np.zeros(1)  # an error counter is born with its first error
    if seen.signal is Signal.TRAFFIC:
        before = _asked(before)
    level = median(before)
    width, highest = _width(before)
    noise = max(width, RELATIVE_FLOOR * max(abs(level), peer), FLOOR[seen.signal])
    recent = seen.between(max(start, now - NOW_SECONDS), np.inf)
    present = median(recent if len(recent) else after)
    since = seen.between(max(start, now - 3 * NOW_SECONDS), np.inf)
    away = float(np.mean(np.abs(since - level) > CLEAR / 2 * noise)) if len(since) else 0.0
    latest = median(after[-FEWEST_LATEST:]) if len(after) >= FEWEST_LATEST else math.nan
    stays = away >= 0.5 or abs(present - level) > CLEAR / 2 * noise
    return Shift(
        track=seen,
        before=level,
        now=present,
        worst=_worst_half(since, level),
        noise=noise,
        # What began a moment ago has no long "now" yet: two clear ones of three are no spike.
        lasting=stays or abs(latest - level) > CLEAR * noise,
        onset=onset(seen, level, noise, start),
        highest=highest,
        latest=latest,
    )


def _outside(seen: Track, start: float, ended: Sequence[Stretch]) -> Floats:
    """Return what was seen before `start` outside of all these stretches, if that is enough."""
    before = seen.between(-np.inf, start)
    at = seen.at[: len(before)]
    kept = np.ones(len(before), dtype=np.bool_)
    for first, last in ended:
        kept &= (at < first) | (at > last)
    return before[kept] if np.count_nonzero(kept) >= FEWEST_BEFORE else before


def spread(values: Floats) -> float:
    """Return the usual width of `values`: quartiles, or their wider range if that is larger."""
    return _width(values)[0] if len(values) > 1 else 0.0


def _width(values: Floats) -> tuple[float, float]:
    """Return the usual width of at least one value, and as high as they go but for spikes."""
    # 2 % and 98 %: single spikes are no width. 1.349 and 4.0 turn both ranges into one deviation.
    low, first, third, high = quantiles(values, 0.02, 0.25, 0.75, 0.98)
    return max((third - first) / 1.349, (high - low) / 4.0), high


def onset(seen: Track, level: float, noise: float, start: float) -> float | None:
    """Return when the signal left `level` for good: the stretch around or after `start`.

    None when it never did. An earlier spike that passed is another story.
    """
    # Three deviations: below CLEAR, so that the beginning is dated before the change is certain.
    off = np.abs(seen.values - level) > 3.0 * noise
    first = int(np.searchsorted(seen.at, start))
    # Two samples in a row: one alone is a spike (the very last one may be the beginning).
    pair = off & np.append(off[1:], True)
    later = np.flatnonzero(pair[first:])
    if len(later) == 0:
        return None
    found = first + int(later[0])
    if not off[first : found + 1].all():
        return float(seen.at[found])
    while found > 0 and (off[found - 1] or (found > 1 and off[found - 2] and off[found])):
        found -= 1
    return float(seen.at[found])


def slope(seen: Track, start: float) -> tuple[float, float]:
    """Return the rise per second since `start` and the share of variation a line explains."""
    first = int(np.searchsorted(seen.at, start))
    at, values = seen.at[first:], seen.values[first:]
    if len(at) < FEWEST_BEFORE or float(np.ptp(values)) < 1e-9:
        return 0.0, 0.0
    rise, _ = np.polyfit(at - at[0], values, 1)
    fit = float(np.corrcoef(at, values)[0, 1]) ** 2
    return float(rise), fit


def split(seen: Track, latest: float) -> float | None:
    """Return the moment, at most `latest`, that best separates a quiet before from an after.

    None when no moment separates them beyond noise: there is no step in this signal.
    """
    values = np.log1p(np.maximum(seen.values, 0.0) / FLOOR[seen.signal])
    count = len(values)
    if count < FEWEST_BEFORE + 2:
        return None
    index = np.arange(FEWEST_BEFORE, count - 1)
    index = index[seen.at[index] <= latest]
    if len(index) == 0:
        return None
    total, squares = np.cumsum(values), np.cumsum(values**2)
    left, right = total[index - 1], total[-1] - total[index - 1]
    gain = left**2 / index + right**2 / (count - index) - squares[-1]
    best = int(index[int(np.argmax(gain))])
    before, after = seen.values[:best], seen.values[best:]
    noise = max(spread(before), RELATIVE_FLOOR * abs(median(before)), FLOOR[seen.signal])
    if abs(median(after) - median(before)) < CLEAR * noise:
        return None
    return onset(seen, median(before), noise, float(seen.at[best]))


def moment(seconds: float) -> datetime:
    """Return seconds since the epoch as an aware datetime."""
    return datetime.fromtimestamp(seconds, UTC)


def usual(levels: Sequence[float]) -> float:
    """Return the middle of the positive levels, 0 when there is none."""
    positive = [level for level in levels if level > 0]
    return median(positive) if positive else 0.0


def _asked(traffic: Floats) -> Floats:
    """Return the traffic since the first request: before it, nothing is said of what is usual."""
    first = int(np.argmax(traffic > 0))
    return traffic[first:] if len(traffic) - first >= FEWEST_BEFORE else traffic


def _worst_half(values: Floats, level: float) -> float:
    if len(values) == 0:
        return level
    count = max(1, (len(values) + 1) // 2)
    far = np.argsort(-np.abs(values - level), kind="stable")[:count]
    return median(values[far])
