"""How long ranking takes beside the peers, by the number of series: one thread, metrics alone."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aiops_agent.evaluation.goals import Goal
from aiops_agent.reasoning.blame import blame
from aiops_agent.reasoning.observations import MetricKind, MetricTable, Observations
from bench.peers import Peers

KINDS = (
    MetricKind.LATENCY, MetricKind.ERRORS, MetricKind.CPU, MetricKind.MEMORY, MetricKind.TRAFFIC,
)  # fmt: skip
MOMENTS = 360  # an hour and a half, sampled each 15 s
FAULTY = 60  # of them, the last ones
STEP = 15.0
# Series, and how often each is run: the fastest counts, since what else runs here only slows.
SIZES = ((100, 15), (300, 8), (1_000, 5), (3_000, 3), (10_000, 2))
FASTER = {"BARO": ">= 20", "N-Sigma": ">= 10"}
LINEAR = "<= 1.5"  # CPU of a cell at 10,000 series in that at 1,000: caches end in between


@dataclass(frozen=True)
class Timed:
    """Milliseconds of CPU by method for one number of series."""

    series: int
    cpu_ms: dict[str, float]


def table(series: int, seed: int) -> Observations:
    """Return noise as large as that, in which one service needs more of everything."""
    dice = np.random.default_rng((seed, series))
    level = dice.uniform(0.1, 100.0, series)
    values = level[:, None] * (1 + 0.05 * dice.standard_normal((series, MOMENTS)))
    service = np.arange(series) // len(KINDS)
    values[service == service[-1] // 2, -FAULTY:] *= 3.0
    numbers = np.arange(series) % len(KINDS)
    return Observations(
        services=tuple(f"s{i}" for i in range(int(service[-1]) + 1)),
        metrics=tuple(kind.name.lower() for kind in KINDS),
        table=MetricTable(
            at=STEP * np.arange(MOMENTS, dtype=np.float64),
            values=values,
            service=service,
            metric=numbers,
            kind=np.array(KINDS, dtype=np.int64)[numbers],
            percent=np.zeros(series, dtype=np.bool_),
            outbound=np.zeros(series, dtype=np.bool_),
        ),
        began=STEP * (MOMENTS - FAULTY),
    )


def timed(series: int, times: int, peers: Peers, seed: int) -> Timed:
    """Run ours and the peers over one table, so many times each, in turn."""
    seen, spent = table(series, seed), []
    best: dict[str, float] = {}
    for _ in range(times):
        start = time.process_time()
        blame(seen)
        spent.append((time.process_time() - start) * 1000.0)
        for name, one in peers.ranked(seen).items():
            best[name] = min(one.cpu_ms, best.get(name, one.cpu_ms))
    return Timed(series, {"ours": min(spent), **best})


def rows(peers: Peers, seed: int, sizes: Sequence[tuple[int, int]] = SIZES) -> Iterator[Goal]:
    """Yield how many times faster ours is at each size, and whether its cost is linear."""
    found = [timed(series, times, peers, seed) for series, times in sizes]
    print("\n".join(drawn(found)), file=sys.stderr)
    for one in found:
        for name, goal in FASTER.items():
            faster = one.cpu_ms[name] / one.cpu_ms["ours"]
            yield Goal(f"times faster than {name}, {one.series:,} series", 1, faster, goal)
    cell = {one.series: one.cpu_ms["ours"] / one.series for one in found}
    for one in found:
        yield Goal(f"CPU ms, {one.series:,} series, ours", 1, one.cpu_ms["ours"])
    if 1_000 in cell and 10_000 in cell:
        yield Goal("CPU of a cell, 10,000 series in 1,000", 1, cell[10_000] / cell[1_000], LINEAR)


def drawn(found: Sequence[Timed], width: int = 50) -> Iterator[str]:
    """Yield the times as bars on a logarithmic scale: equal steps where cost is linear."""
    most = max(max(one.cpu_ms.values()) for one in found)
    least = min(min(one.cpu_ms.values()) for one in found) / 2
    for one in found:
        for name, spent in one.cpu_ms.items():
            bar = "#" * round(width * np.log(spent / least) / np.log(most / least))
            yield f"{one.series:>6,} series {name:<8} {spent:>9.2f} ms {bar}"
