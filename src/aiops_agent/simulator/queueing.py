"""How long does work wait when it comes faster, or nearly as fast, as it can be done?"""

import math
from typing import NamedTuple

P95 = 3.0  # waits are about exponential: the 95th percentile is three times the mean
NEARLY_FULL = 0.97  # above it a bounded backlog tells the wait, not the formula


class Station(NamedTuple):
    """One step of a fluid queue: what passed, what gave up, what is left, how long it took."""

    passed: float  # per second
    dropped: float  # share of the offered load, 0..1
    backlog: float  # left waiting
    wait: float  # seconds, 95th percentile
    load: float  # offered over capacity


IDLE = Station(0.0, 0.0, 0.0, 0.0, 0.0)


def station(
    backlog: float, offered: float, capacity: float, patience: float, step: float
) -> Station:
    """Serve for `step` seconds; whoever would wait longer than `patience` gives up."""
    if capacity <= 0.0:
        return Station(0.0, 1.0 if offered > 0 else 0.0, 0.0, patience, 2.0)
    work = backlog + offered * step
    done = min(work, capacity * step)
    left = work - done
    kept = min(left, capacity * patience)
    dropped = (left - kept) / work if work > 0 else 0.0
    return Station(done / step, dropped, kept, kept / capacity, offered / capacity)


def crowding(load: float, servers: int) -> float:
    """Return the p95 wait in service times when `load` (0..1) meets `servers` in parallel.

    Sakasegawa's approximation of M/M/c: it grows as load / (1 - load).
    """
    rho = min(load, NEARLY_FULL)
    if rho <= 0.0:
        return 0.0
    return P95 * math.pow(rho, math.sqrt(2.0 * (servers + 1))) / (servers * (1.0 - rho))


def beyond(limit: float, p95: float) -> float:
    """Return the share of requests slower than `limit` when 95 % take less than `p95`."""
    return math.exp(-P95 * limit / p95) if p95 > 0.0 else 0.0


def attempts(failing: float, retries: int) -> float:
    """Return how many attempts one call makes when each fails with that share."""
    total, chance = 0.0, 1.0
    for _ in range(retries + 1):
        total += chance
        chance *= failing
    return total
