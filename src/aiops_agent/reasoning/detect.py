"""Is a service worse than usual, though no alert says so? A diagnosis' evidence, for a while.

A signal is noticed when it stays beyond its bar, has moved by the evidence of a diagnosis
(`evidence.Scorer`), and enough requests stand behind it. What it was a day ago is the caller's to
read: `as_then` compares. Ours, but for the scorer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from aiops_agent.domain.telemetry import Objective, ServiceName, Signal
from aiops_agent.reasoning.evidence import Scorer, quantiles
from aiops_agent.reasoning.gather import PAIN
from aiops_agent.reasoning.harm import USUAL, HarmLimits
from aiops_agent.reasoning.measure import FLOOR, Track
from aiops_agent.reasoning.measure import quantiles as quantiles_of
from aiops_agent.reasoning.observations import Bools, Floats, Ints, MetricKind, MetricTable

Key: TypeAlias = tuple[ServiceName, Signal]

WINDOW = 3600.0  # seconds that tell what is usual
HOLD = 105.0  # seconds beyond a promise: rates over a minute are up for 90 s after a short pause
HOLD_FAILING = 60.0  # beyond a promise and beyond what is harm wherever nothing is promised
HOLD_UNPROMISED = 180.0  # beyond the usual alone: a rollout's replicas start within two minutes
LONGER = 2.0  # than what passed by itself, within the window or days ago: that was no trouble
HOLD_FULL = 600.0  # of a full machine, which hurts nobody by itself
FEWEST_HELD = 3  # samples: one or two may be a scrape that was late
FEWEST_USUAL = 20  # samples before: with fewer nobody knows what is usual
TWICE = 2.0  # the usual latency: a person feels it
LOST = 1 / 3  # of the usual least traffic: a third of the users were let down elsewhere
FULL = 0.9  # of a machine, beyond which nobody calls it healthy
SURE = float(np.log1p(3.0))  # widths; an hour with trouble in it is four wide at most
QUIET = 0.2  # of an earlier stretch is its usual, although a long job took most of it
AS_BAD = 1.5  # so much worse than a day ago is not what it was a day ago
KINDS = {  # the golden signals
    Signal.LATENCY: MetricKind.LATENCY,
    Signal.TRAFFIC: MetricKind.TRAFFIC,
    Signal.ERRORS: MetricKind.ERRORS,
    Signal.SATURATION: MetricKind.SATURATION,
}


@dataclass(frozen=True)
class Watched:
    """Golden signals over time, a column of the table for each key."""

    keys: tuple[Key, ...]
    table: MetricTable

    @classmethod
    def of(cls, tracks: Mapping[Key, Track]) -> "Watched":
        """Return the tracks side by side; a time that a track does not have is a gap of it."""
        keys = tuple(key for key, seen in tracks.items() if key[1] in KINDS and len(seen.at))
        stamps = [tracks[key].at for key in keys]
        at = np.unique(np.concatenate(stamps)) if stamps else np.zeros(0)
        values = np.full((len(keys), len(at)), np.nan)
        for row, key in enumerate(keys):
            values[row, np.searchsorted(at, tracks[key].at)] = tracks[key].values
        return cls(keys, table_of(keys, at, values))

    def column(self, service: ServiceName, signal: Signal) -> Floats | None:
        """Return the values of a signal, or None where it is not seen."""
        key = (service, signal)
        return self.table.values[self.keys.index(key)] if key in self.keys else None


def table_of(keys: Sequence[Key], at: Floats, values: Floats) -> MetricTable:
    """Return the columns as the evidence reads them."""
    services = {name: place for place, name in enumerate(dict.fromkeys(key[0] for key in keys))}
    kind = np.array([KINDS[signal] for _, signal in keys], dtype=np.int64)
    nothing = np.zeros(len(keys), dtype=np.bool_)
    service = np.array([services[name] for name, _ in keys], dtype=np.int64)
    return MetricTable(at, values, service, kind.copy(), kind, nothing, nothing)


@dataclass(frozen=True)
class Bars:
    """For each column the level that is too much (or too little), how long, and what is usual.

    `promised` is the objective and NaN where there is none; that is broken sooner. A level of NaN
    is never reached.
    """

    usual: Floats
    level: Floats
    hold: Floats
    promised: Floats
    falls: Bools

    def beyond(self, values: Floats, column: Ints) -> tuple[Bools, Bools]:
        """Return which values of some columns lie beyond the level, and beyond the promise."""
        level, promised = self.level[column, None], self.promised[column, None]
        falls = self.falls[column, None]
        with np.errstate(invalid="ignore"):
            too_far = np.where(falls, values < level, values > level)
            return too_far, values > promised


def bars(watched: Watched, objectives: Mapping[ServiceName, Objective],
         harm: HarmLimits = USUAL) -> Bars:  # fmt: skip
    """Return what each column must stay beyond, by what it was over the table's time."""
    values = watched.table.values
    with np.errstate(all="ignore"):
        low, usual = quantiles(values, 0.1, 0.5) if values.size else (np.zeros(0), np.zeros(0))
    count = len(watched.keys)
    level, promised = np.full(count, np.nan), np.full(count, np.nan)
    hold, falls = np.full(count, HOLD_UNPROMISED), np.zeros(count, dtype=np.bool_)
    for place, (service, signal) in enumerate(watched.keys):
        own = objectives.get(service, Objective())
        if signal is Signal.LATENCY:
            level[place] = TWICE * usual[place] + FLOOR[signal]
            promised[place] = np.nan if own.latency is None else own.latency
        elif signal is Signal.ERRORS:
            level[place] = max(harm.errors, TWICE * usual[place])
            if own.errors is not None:
                promised[place], hold[place] = own.errors, HOLD_FAILING
                level[place] = max(level[place], own.errors)
        elif signal is Signal.TRAFFIC:
            level[place], falls[place] = LOST * low[place] - FLOOR[signal], True
        else:
            level[place], hold[place] = FULL, HOLD_FULL
    return Bars(usual, level, hold, promised, falls)


@dataclass(frozen=True)
class LastingColumn:
    """A column that stays beyond its bar since a row; `broken` when that is what was promised."""

    column: int
    since: int
    broken: bool


def held(watched: Watched, bars: Bars) -> list[LastingColumn]:
    """Return the columns that are beyond their bar now and have been for long enough."""
    table = watched.table
    if not len(table.at):
        return []
    now = float(table.at[-1]) + table.step
    found = []
    for column in _near(watched, bars).tolist():
        values = table.values[column]
        seen = np.isfinite(values)
        too_far, broken = bars.beyond(values[None, :], np.array([column]))
        hold = float(bars.hold[column])
        for beyond, least, promise in ((broken[0], HOLD, True), (too_far[0], hold, False)):
            since = _run(beyond, seen)
            if since is None or np.count_nonzero(seen[since:]) < FEWEST_HELD:
                continue
            passed = LONGER * _longest(beyond[:since][seen[:since]]) * table.step
            if now - float(table.at[since]) >= max(least, min(passed, HOLD_FULL)):
                found.append(LastingColumn(column, since, promise))
                break
    return found


def _near(watched: Watched, bars: Bars) -> Ints:
    """Return the columns of which none of the last samples is back: cheap, and mostly none."""
    values = watched.table.values[:, -FEWEST_HELD:]
    too_far, broken = bars.beyond(values, np.arange(len(values)))
    seen = np.isfinite(values)
    return np.flatnonzero((too_far | broken | ~seen).all(axis=1) & seen.any(axis=1))


def _run(beyond: Bools, seen: Bools) -> int | None:
    """Return where the last run of samples beyond begins, gaps left out; None when it is over."""
    back = np.flatnonzero(seen & ~beyond)
    start = int(back[-1]) + 1 if len(back) else 0
    inside = np.flatnonzero(seen[start:])
    return start + int(inside[0]) if len(inside) else None


def _longest(beyond: Bools) -> int:
    """Return how many samples the longest run has."""
    ends = np.flatnonzero(~np.concatenate(([False], beyond, [False])))
    return int(np.diff(ends).max(initial=1)) - 1


@dataclass(frozen=True)
class Moved:
    """A signal that is noticed: since when (seconds), how it is, and how it usually is."""

    service: ServiceName
    signal: Signal
    since: float
    value: float
    usual: float
    level: float  # what it is beyond
    broken: bool  # that is an objective
    hurts: bool  # people feel it, as far as numbers tell
    score: float


def noticed(watched: Watched, bars: Bars, harm: HarmLimits = USUAL) -> list[Moved]:
    """Return what is worse than usual now: broken promises first, then the strongest evidence."""
    candidates = [one for one in held(watched, bars) if _known(watched, one, harm)]
    if not candidates:
        return []
    scorer, at = Scorer(watched.table), watched.table.at
    found = []
    for one in candidates:
        score = float(scorer.at(float(at[one.since])).faint[one.column])
        if score >= SURE:
            found.append(_moved(watched, bars, one, score))
    return sorted(found, key=lambda one: (not one.broken, -one.score))


def _known(watched: Watched, one: LastingColumn, harm: HarmLimits) -> bool:
    """Whether enough was seen before to know what is usual, and enough asked since."""
    before = watched.table.values[one.column, : one.since]
    seen = int(np.count_nonzero(np.isfinite(before)))
    return seen >= FEWEST_USUAL and _asked(watched, one, harm)


def _moved(watched: Watched, bars: Bars, one: LastingColumn, score: float) -> Moved:
    service, signal = watched.keys[one.column]
    values = watched.table.values[one.column]
    value = float(np.nanmedian(values[one.since :]))
    promised = float(bars.promised[one.column])
    broken = one.broken or value > promised
    kept = bool(np.isfinite(promised)) and not broken
    lost = signal is Signal.TRAFFIC and float(np.nanmax(values[one.since :])) <= 0.0
    return Moved(
        service=service,
        signal=signal,
        since=float(watched.table.at[one.since]),
        value=value,
        usual=float(np.nanmedian(values[: one.since])),
        level=promised if broken else float(bars.level[one.column]),
        broken=broken,
        hurts=lost or (signal in PAIN and not kept),
        score=score,
    )


def _asked(watched: Watched, one: LastingColumn, harm: HarmLimits) -> bool:
    """Whether enough requests stand behind a share or a percentile, where they are counted."""
    service, signal = watched.keys[one.column]
    if signal not in PAIN:
        return True
    traffic = watched.column(service, Signal.TRAFFIC)
    if traffic is None:
        return True
    table = watched.table
    rates = traffic[one.since :]
    if not np.isfinite(rates).any():
        return True
    count = float(np.nanmean(rates)) * (float(table.at[-1] - table.at[one.since]) + table.step)
    if signal is Signal.ERRORS:
        count *= float(np.nanmean(table.values[one.column, one.since :]))
    return count >= harm.failures


def as_then(moved: Moved, then: Track, now: float) -> bool:
    """Whether the signal was about as bad at an earlier time, at least half as long as now.

    As bad is meant in its unit, or beside what was usual then: levels wander within days.
    """
    step = then.step
    least = max(FEWEST_HELD, round((now - moved.since) / LONGER / step)) if step else FEWEST_HELD
    if len(then.values) < least:
        return False
    runs = np.lib.stride_tricks.sliding_window_view(then.values, least)
    if moved.signal is Signal.TRAFFIC:
        lowest = float(runs.max(axis=1).min())
        return lowest <= AS_BAD * moved.value + FLOOR[moved.signal]
    worst, least_usual = AS_BAD * float(runs.min(axis=1).max()), FLOOR[moved.signal]
    then_usual, usual = (
        max(quantiles_of(then.values, QUIET)[0], least_usual),
        max(moved.usual, least_usual),
    )
    return worst >= moved.value or worst / then_usual >= moved.value / usual
