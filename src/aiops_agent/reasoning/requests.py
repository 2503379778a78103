"""Who adds the time? Spans of a usual and of a faulty stretch, one kind of work at a time.

Sources: the time a span takes itself is what MicroRank and TraceRCA weigh; the gap of a call, the
share of all time added, and the blame of a common caller are ours.
"""

from dataclasses import dataclass

import numpy as np

from aiops_agent.domain.quantity import amount
from aiops_agent.domain.telemetry import Signal
from aiops_agent.reasoning.measure import median
from aiops_agent.reasoning.observations import Bools, Floats, Ints, Requests

CLOCK = 0.5  # ms: what a span's clock may be wrong by; below it a ratio says nothing
FEWEST_USUAL, FEWEST_FAULTY = 2, 3  # spans that make a median
COURSE = 5  # kinds of work that make a common course
STANDS_OUT = 3.5  # robust widths of all kinds of work: the usual bound of a robust outlier


@dataclass(frozen=True)
class Slower:
    """Time that one service adds: how strong (a logarithm), and its share of all time added."""

    strength: float
    share: float
    words: str


@dataclass(frozen=True)
class Told:
    """Requests worked out: what each kind of work (service, operation) took and contained.

    Kinds are numbers: `service * operations + operation`.
    """

    kind: Ints
    alone: Floats  # ms of a span that its children do not account for
    gap: Floats  # ms that the caller waited beyond the callee's work
    hop: Bools  # whether its parent is in another service
    source: Requests

    @property
    def counts(self) -> dict[int, int]:
        """How many spans of each kind there are."""
        kinds, counts = np.unique(self.kind, return_counts=True)
        return dict(zip(kinds.tolist(), counts.tolist(), strict=True))


def told(requests: Requests, operations: int) -> Told:
    """Work out the spans."""
    parent, length = requests.parent, requests.length_ms
    n = len(parent)
    child = parent >= 0
    inside = np.bincount(parent[child], weights=length[child], minlength=n)
    hop = child.copy()
    hop[child] = requests.service[parent[child]] != requests.service[child]
    alone = np.maximum(length - inside, 0.0)
    return Told(
        kind=requests.service * operations + requests.operation,
        alone=alone,
        # What the caller waited for other callees is no part of it.
        gap=np.where(hop, alone[parent], 0.0),
        hop=hop,
        source=requests,
    )


def pairs(requests: Requests) -> frozenset[tuple[int, int]]:
    """Return which service was seen to call which."""
    child = np.flatnonzero(requests.parent >= 0)
    callers, callees = requests.service[requests.parent[child]], requests.service[child]
    apart = callers != callees
    edges = np.unique(np.stack((callers[apart], callees[apart]), axis=1), axis=0)
    return frozenset((int(a), int(b)) for a, b in edges)


def medians(key: Ints, value: Floats) -> tuple[Ints, Floats, Ints]:
    """Return the distinct keys, the median of each one's values and how many there are."""
    order = np.lexsort((value, key))
    key, value = key[order], value[order]
    keys, first, count = np.unique(key, return_index=True, return_counts=True)
    middle = (value[first + (count - 1) // 2] + value[first + count // 2]) / 2
    return keys, middle, count


def slower(usual: Told, faulty: Told, operations: int, services: int) -> dict[int, Slower]:
    """Return which services add time. Own time and the gap of a call belong to one service each.

    So nothing has to be explained away.
    """
    added = np.zeros(services)
    strength = np.zeros(services)
    words = [""] * services
    # A span that waits for another service is told by its gaps.
    for waits in (False, True):
        found = _compared(usual, faulty, waits, services)
        if found is None:
            continue
        for row in np.flatnonzero(found.z > STANDS_OUT).tolist():
            service = int(found.key[row] % services if waits else found.key[row] // operations)
            added[service] += found.added[row]
            if found.ratio[row] > strength[service]:
                strength[service] = found.ratio[row]
                what = "the way to it takes" if waits else "its own work takes"
                words[service] = f"{what} {_took(found.was[row])} -> {_took(found.now[row])}"
        if waits:
            _common_caller(found, services, (added, strength), words)
    top = faulty.source.length_ms[faulty.source.parent < 0].sum()
    shares = np.clip(added, 0.0, None) / max(float(top), 1e-9)
    return {
        i: Slower(float(strength[i]), float(min(1.0, shares[i])), words[i])
        for i in np.flatnonzero(strength > 0).tolist()
    }


@dataclass(frozen=True)
class _Compared:
    """The same work, usual and faulty: medians in ms, log ratio, robust z, time added in all."""

    key: Ints
    was: Floats
    now: Floats
    ratio: Floats
    z: Floats
    added: Floats


def _compared(usual: Told, faulty: Told, waits: bool, services: int) -> _Compared | None:
    (a, was, n_was), (b, now, n_now) = (_times(one, waits, services) for one in (usual, faulty))
    a, was, n_was = _enough(a, was, n_was, FEWEST_USUAL)
    b, now, n_now = _enough(b, now, n_now, FEWEST_FAULTY)
    key, i, j = np.intersect1d(a, b, return_indices=True)
    if not len(key):
        return None
    was, now = was[i], now[j]
    ratio = np.log((now + CLOCK) / (was + CLOCK))
    # A busier minute slows everything: only what stands out counts. A few have no common course.
    middle = median(ratio) if len(ratio) >= COURSE else 0.0
    # 0.1: a tenth in all at once is what a busier minute does.
    z = (ratio - middle) / (1.4826 * median(np.abs(ratio - middle)) * (len(ratio) >= COURSE) + 0.1)
    certain = ratio * n_was[i] / (n_was[i] + 2.0)  # two spans say half as much as many
    return _Compared(key, was, now, certain, z, np.maximum(now - was, 0.0) * n_now[j])


def _times(one: Told, waits: bool, services: int) -> tuple[Ints, Floats, Ints]:
    hops = np.flatnonzero(one.hop)
    parents = one.source.parent[hops]
    if waits:
        key = one.source.service[parents] * services + one.source.service[hops]
        return medians(key, one.gap[hops])
    own = np.ones(len(one.kind), dtype=np.bool_)
    own[parents] = False
    return medians(one.kind[own], one.alone[own])


def _enough(key: Ints, middle: Floats, count: Ints, fewest: int) -> tuple[Ints, Floats, Ints]:
    kept = count >= fewest
    return key[kept], middle[kept], count[kept]


def _common_caller(
    found: _Compared, services: int, figures: tuple[Floats, Floats], words: list[str]
) -> None:
    """Blame the caller whose calls are slower all alike: it is its own way out that is slow."""
    added, strength = figures
    caller, callee = found.key // services, found.key % services
    for one in np.unique(caller).tolist():
        calls = np.flatnonzero(caller == one)
        slow = calls[found.z[calls] > STANDS_OUT]
        if len(slow) < 2 or len(slow) < 0.5 * len(calls):
            continue
        added[one] += found.added[slow].sum()
        strength[one] = max(strength[one], float(np.mean(found.ratio[slow])))
        words[one] = words[one] or f"{len(slow)} of its {len(calls)} kinds of call are slower"
        np.subtract.at(added, callee[slow], found.added[slow])
        np.maximum(added, 0.0, out=added)


def _took(milliseconds: float) -> str:
    return amount(Signal.LATENCY, milliseconds / 1000)
