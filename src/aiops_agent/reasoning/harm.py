"""Is a signal harmful now, and is it fine all the time that an alert speaks of?

A limit stands beside what is usual: what was as bad before is no better for it. Counts are counts.
"""

from dataclasses import dataclass

import numpy as np

from aiops_agent.domain.meaning import Refuter
from aiops_agent.domain.quantity import amount, signal_name
from aiops_agent.domain.telemetry import Objective, Signal
from aiops_agent.reasoning.measure import FLOOR, Track, median, quantiles
from aiops_agent.reasoning.read_alert import Reading, State, TimeFrame, read, recent

LONG = 600.0  # seconds over which failures are counted: two scrapes of a minute make no rate
FEWEST_ASKED = FLOOR[Signal.TRAFFIC]  # requests per second below which silence says nothing
STALE = 4.0  # steps without a sample after which a signal is no longer seen
ALLOWED = 0.5  # of a replica: counts are whole, means over a step are not


@dataclass(frozen=True)
class HarmLimits:
    """What is harm where nobody has set an objective: a share of failures, and how many at least.

    So many failures must have been seen within ten minutes, where requests are counted.
    """

    errors: float = 0.05
    failures: int = 20


USUAL = HarmLimits()


@dataclass(frozen=True)
class Counted:
    """What stands beside a service's signals: its objective, wanted replicas, harm's limits."""

    objective: Objective
    replicas: int | None = None
    harm: HarmLimits = USUAL


def look(seen: Track, counted: Counted, frame: TimeFrame, traffic: Track | None = None) -> Reading:
    """Return how a signal is now; `traffic` tells how many requests failed."""
    if stale(seen, frame.now):
        return Reading(seen.signal, State.UNSEEN, f"{signal_name(seen.signal)} has no recent data")
    if seen.signal is Signal.REPLICAS:
        return _replicas(seen, counted.replicas, frame)
    found = read(seen, counted.objective, frame)
    if seen.signal is Signal.ERRORS and found.state is not State.BAD:
        return _errors(seen, counted, frame, traffic) or found
    if seen.signal is Signal.TRAFFIC and silent(seen, frame):
        words = f"receives no requests (usually {amount(Signal.TRAFFIC, _before(seen, frame))})"
        return Reading(seen.signal, State.BAD, words, found.shift, value=0.0)
    return found


def calm(
    seen: Track, wanted: Refuter, counted: Counted, frame: TimeFrame, traffic: Track | None = None
) -> Reading:
    """Return how a signal is over all that an alert speaks of: fine only if fine all that time."""
    now = look(seen, counted, frame, traffic)
    length = max(frame.longest, wanted.window)
    if now.state is not State.FINE or (length == frame.longest and not wanted.none):
        return now
    values = seen.between(frame.now - length, np.inf)
    name = signal_name(seen.signal)
    if float(seen.at[0]) > frame.now - length or len(values) < 2:
        return Reading(seen.signal, State.UNSEEN, f"{name} is not seen so far back")
    if wanted.none and float(np.max(values)) > 0.0:
        words = f"{name} is not zero, and only none at all would contradict it"
        return Reading(seen.signal, State.UNSEEN, words)
    if wanted.below is not None and float(np.mean(values)) >= wanted.below:
        words = f"{name} is {amount(seen.signal, float(np.mean(values)))}, beyond the alert's limit"
        return Reading(seen.signal, State.BAD, words, now.shift, wanted.below, now.value)
    lately = TimeFrame(frame.began, frame.now, length)
    return look(seen, counted, lately, traffic)


def stale(seen: Track, now: float) -> bool:
    """Whether nothing was seen of a signal for some of its own steps."""
    return now - float(seen.at[-1]) > max(STALE * seen.step, 60.0)


def silent(seen: Track, frame: TimeFrame) -> bool:
    """Whether nobody asks any more where somebody did: a counter that is there and stands still."""
    values = seen.between(recent(seen, frame), np.inf)
    still = len(values) >= 2 and float(np.max(values)) <= 0.0
    return still and _before(seen, frame) >= FEWEST_ASKED


def _before(seen: Track, frame: TimeFrame) -> float:
    values = seen.between(-np.inf, recent(seen, frame))
    asked = values[values > 0]
    return median(asked) if len(asked) > len(values) / 2 else 0.0


def _replicas(seen: Track, wanted: int | None, frame: TimeFrame) -> Reading:
    """Return whether instances are lost: one is, whatever their number."""
    values = seen.between(recent(seen, frame), np.inf)
    before = seen.between(-np.inf, recent(seen, frame))
    if len(values) < 2 or (len(before) == 0 and wanted is None):
        return Reading(Signal.REPLICAS, State.UNSEEN, "how many replicas are usual is not known")
    usual = max(median(before) if len(before) else 0.0, wanted or 0.0)
    highest = max(usual, quantiles(before, 0.9)[0] if len(before) else 0.0)
    value = float(values[-1])
    words = f"{value:g} of {usual:g} replicas are up"
    if value < usual - ALLOWED:
        return Reading(Signal.REPLICAS, State.BAD, words, level=usual, value=value)
    if float(np.min(values)) < highest - ALLOWED:
        why = f"{words}, and there were more lately"
        return Reading(Signal.REPLICAS, State.UNSEEN, why, level=usual, value=value)
    return Reading(Signal.REPLICAS, State.FINE, words, level=usual, value=value)


def _errors(
    seen: Track, counted: Counted, frame: TimeFrame, traffic: Track | None
) -> Reading | None:
    """Return harm by the limit alone, in a short and a long window, whatever was usual."""
    level = counted.objective.errors
    limit = counted.harm.errors if level is None else level
    short = seen.between(recent(seen, frame), np.inf)
    long = seen.between(frame.now - LONG, np.inf)
    if len(short) < 2 or median(short) <= limit or float(np.mean(long)) <= limit:
        return None
    if traffic is not None and failures(seen, traffic, frame.now) < counted.harm.failures:
        return None
    words = f"{amount(Signal.ERRORS, median(short))} of requests fail"
    words += f" ({amount(Signal.ERRORS, limit)} is the limit)"
    return Reading(Signal.ERRORS, State.BAD, words, level=limit, value=median(short))


def failures(seen: Track, traffic: Track, now: float) -> float:
    """Return how many requests failed within the long window."""
    since = now - LONG
    shares, rates = seen.between(since, np.inf), traffic.between(since, np.inf)
    if len(shares) == 0 or len(rates) == 0:
        return 0.0
    covered = min(LONG, now - max(since, float(seen.at[0])))
    return float(np.mean(shares)) * float(np.mean(rates)) * covered
