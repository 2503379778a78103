"""Is a signal all right now, by what is promised and what was usual?"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from aiops_agent.domain.quantity import amount, signal_name
from aiops_agent.domain.telemetry import Objective, Signal
from aiops_agent.reasoning.episodes import peaks
from aiops_agent.reasoning.gather import PAIN
from aiops_agent.reasoning.measure import FLOOR, Shift, Track, median, shift

# Shares of a limit beyond which nobody calls it healthy, where nothing was promised.
LIMIT = {Signal.MEMORY: 0.85, Signal.SATURATION: 0.9, Signal.POOL: 0.95}
FALLING_HURTS = (Signal.CACHE_HITS, Signal.REPLICAS)
FAR = 6.0  # noise units: further than this is no longer the usual
MUCH = 1.5  # and a factor of the usual level
BEYOND = 1.25  # times as high as it went before: unusual, however much it varied
AS_EVER = 1.0  # as high as it went before: neither unusual nor fine
WAITS = (Signal.LATENCY, Signal.TAIL)
FLAPPING = 0.25  # share of recent samples beyond the level that still counts as trouble


class State(StrEnum):
    """How a signal is, as far as it can be seen."""

    BAD = "bad"
    FINE = "fine"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Reading:
    """One signal of the alerting service: its state, and why in words."""

    signal: Signal
    state: State
    words: str
    shift: Shift | None = None
    level: float | None = None  # the objective, if there is one
    value: float | None = None  # the recent level


def objective_of(objective: Objective, signal: Signal) -> float | None:
    """Return the promised level of a signal, if there is one."""
    if signal is Signal.LATENCY:
        return objective.latency
    return objective.errors if signal is Signal.ERRORS else LIMIT.get(signal)


@dataclass(frozen=True)
class TimeFrame:
    """Moments in seconds since the epoch: when the pain began (if seen), and now."""

    began: float | None
    now: float
    longest: float  # seconds that count as recent


def read(seen: Track, objective: Objective, frame: TimeFrame) -> Reading:
    """Return how a signal is lately, against what is promised and what was usual before."""
    signal = seen.signal
    since = recent(seen, frame)
    values = seen.between(since, np.inf)
    level = objective_of(objective, signal)
    first = since if frame.began is None else min(since, frame.began)
    # What an earlier incident did is not usual: it would hide the next one.
    moved = shift(seen, first, frame.now, ended=peaks(seen, first))
    if len(values) < 2:
        return Reading(signal, State.UNSEEN, f"{signal_name(signal)} has no recent data", moved)
    value = median(values)
    words = _words(signal, value, level, None if moved is None else moved.before)
    beyond = level is not None and float(np.mean(values > level)) > FLAPPING
    if beyond or (moved is not None and _unusual(moved, value)):
        return Reading(signal, State.BAD, words, moved, level, value)
    if level is None and moved is None:
        words = f"{signal_name(signal)} has neither an objective nor a time before to compare with"
        return Reading(signal, State.UNSEEN, words, moved, level, value)
    if level is None and moved is not None and _waits(moved, value, AS_EVER):
        return Reading(
            signal, State.UNSEEN, f"{words}, and seldom was as high", moved, level, value
        )
    return Reading(signal, State.FINE, words, moved, level, value)


def recent(seen: Track, frame: TimeFrame) -> float:
    """Return from when on a signal counts as recent: at most `longest` ago, less if it is new."""
    since = max(frame.now - frame.longest, frame.began or 0.0)
    # Leave most of a short history to compare with, and enough of it to be called recent.
    since = max(since, frame.now - 0.4 * (frame.now - float(seen.at[0])))
    # Three samples at least: one or two may be a scrape that was late.
    return min(since, frame.now - 3.5 * seen.step)


def worst(readings: tuple[Reading, ...], named: tuple[Signal, ...]) -> Reading | None:
    """Return the reading to speak of: a bad one the alert named, else the most unusual bad one."""
    bad = [one for one in readings if one.state is State.BAD]
    if not bad:
        return None

    def order(one: Reading) -> tuple[float, bool, float]:
        size = abs(one.shift.size) if one.shift is not None else 0.0
        place = -named.index(one.signal) if one.signal in named else -len(named)
        return (place, one.signal in PAIN, size)

    return max(bad, key=order)


def _unusual(moved: Shift, value: float) -> bool:
    size = (value - moved.before) / moved.noise
    if moved.track.signal in FALLING_HURTS:
        return size <= -FAR
    if moved.track.signal is Signal.TRAFFIC:
        return abs(size) >= FAR and not 1 / MUCH < value / max(moved.before, moved.noise) < MUCH
    far = size >= FAR and value >= MUCH * moved.before
    return far or _waits(moved, value, BEYOND)


def _waits(moved: Shift, value: float, factor: float) -> bool:
    """Whether requests wait much longer than usual, and `factor` times as long as at worst."""
    signal = moved.track.signal
    least = moved.before + FAR * FLOOR[signal]
    return signal in WAITS and value >= max(least, MUCH * moved.before, factor * moved.highest)


def _words(signal: Signal, value: float, level: float | None, usual: float | None) -> str:
    parts = [f"{signal_name(signal)} is {amount(signal, value)}"]
    if usual is not None:
        parts.append(f"usually {amount(signal, usual)}")
    if level is not None:
        parts.append(f"at most {amount(signal, level)} is allowed")
    return ", ".join(parts)
