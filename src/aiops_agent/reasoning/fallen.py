"""Who ended, ends again and again, or fell silent: what has no metrics any more is still a suspect.

That a target which answers no scrape is down is Prometheus' own convention (`up`); that silence of
everything a process tells of itself means as much is ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from aiops_agent.domain.telemetry import ServiceName, Signal, Workload
from aiops_agent.reasoning.gather import Scene
from aiops_agent.reasoning.instances import OUT_OF_MEMORY, Headcount
from aiops_agent.reasoning.measure import Track, median, moment

# Usual steps without a sample: one or two are missed, and clocks of those who push may differ.
SILENT = 6.0
SILENT_SECONDS = 30.0  # at the least, however often it is measured
PAUSED = "paused"  # Docker's word for a process that is stopped by a signal and stays
OF_LATE = timedelta(minutes=15)  # what ended longer before the trouble is another story
GONE_SECONDS = 10.0  # without one that answers: a pause of a collector is shorter
AGAIN = 3  # times: on a busy machine two scrapes fail by chance
MORE = 3.0  # times as often as before the trouble, and as anybody else
AGAIN_SECONDS = 60.0  # before the trouble: an alert comes after the first
RECOVERED = 2.0  # times as long as between two falls
# Told per request: without requests there is none.
FELT = (Signal.LATENCY, Signal.ERRORS, Signal.CACHE_HITS)


@dataclass(frozen=True)
class Fall:
    """How a service fell: `at` is None where nobody says when.

    `left` is the share of its instances that still stands, 0..1.
    """

    at: float | None
    words: str
    left: float = 0.0
    frozen: bool = False  # it is there, says its platform, and does nothing


def fall(scene: Scene, service: str) -> Fall | None:
    """Return how a service ended, or None while it stands, so far as can be seen."""
    counted = next((one for one in scene.standings if one.service == service), None)
    if counted is not None and (found := _ended(scene, counted)) is not None:
        return found
    if counted is None and (down := _unanswered(scene, service)) is not None:
        return down
    silent = _silent(scene, service)
    if silent is None:
        return None
    there = counted is not None and counted.running > 0
    since = f"nothing of {service} is measured since {moment(silent):%H:%M:%S}"
    words = f"{since}, though it runs" if there else f"{since}: it is gone or frozen"
    return Fall(silent, words, frozen=there)


def _ended(scene: Scene, counted: Headcount) -> Fall | None:
    of_late = moment(scene.began) - OF_LATE
    lost = [one for one in counted.lost if _paused(one) or _since(one.ended_at, of_late)]
    again = [one for one in counted.ill if one.restarts and _since(one.started_at, of_late)]
    troubled = [*lost, *again]
    if not troubled:
        return None
    # Who ends again and again has ended before, and a pause is no end: neither is dated.
    dated = not any(one.restarts or _paused(one) for one in troubled)
    times = [one.ended_at for one in lost if one.ended_at is not None] if dated else []
    at = min(times).timestamp() if times else None
    left = max(counted.running - len(again), 0) / max(counted.wanted, 1)
    frozen = bool(lost) and all(_paused(one) for one in troubled)
    return Fall(at, _words(counted, troubled, frozen=frozen), left, frozen)


def _words(counted: Headcount, troubled: Sequence[Workload], *, frozen: bool) -> str:
    if any(one.reason == OUT_OF_MEMORY for one in troubled):
        return f"instances of {counted.service} run out of memory and are killed"
    if any(_again(one) for one in troubled):
        return f"instances of {counted.service} end again and again"
    share = f"{len(troubled)} of {counted.wanted} instances of {counted.service}"
    return f"{share} are paused" if frozen else f"{share} are gone"


def _since(known: datetime | None, of_late: datetime) -> bool:
    return known is None or known >= of_late


def _paused(one: Workload) -> bool:
    return one.state.lower() == PAUSED


def _again(one: Workload) -> bool:
    return bool(one.restarts) or "backoff" in one.reason.lower() or one.state == "restarting"


def _unanswered(scene: Scene, service: str) -> Fall | None:
    """Return how a service fell of which no instance answers now, or ever again for a while.

    By how many are counted as answering, where no platform says how they are.
    """
    seen = scene.tracks.get((ServiceName(service), Signal.REPLICAS))
    if seen is None:
        return None
    ever = _gaps(seen)
    gaps = [one for one in ever if one[0] >= scene.began - OF_LATE.total_seconds()]
    if gaps and gaps[-1][1] >= seen.at[-1]:
        since, until = gaps[-1]
        if until - since >= GONE_SECONDS:
            return Fall(since, f"nothing of {service} answers since {moment(since):%H:%M:%S}")
    first = scene.began - AGAIN_SECONDS
    again = _falls(seen, first)
    if len(again) < AGAIN:
        return None
    # A starved machine or collector misses some of everybody, or of one at all times.
    before = sum(since < first for since, _ in ever) / max(first - float(seen.at[0]), 1.0)
    usual = before * (float(seen.at[-1]) - first)
    others = (one for (name, kind), one in scene.tracks.items()
              if kind is Signal.REPLICAS and name != service)  # fmt: skip
    if len(again) < MORE * max(usual, *(len(_falls(one, first)) for one in others), 0):
        return None
    # Who has stood for far longer than it did between two falls has recovered.
    stood, between = float(seen.at[-1]) - gaps[-1][1], max(np.diff(again))
    words = f"{service} goes away again and again"
    return Fall(again[0], words, left=0.5) if stood <= RECOVERED * between else None


def _falls(seen: Track, first: float) -> list[float]:
    """Return since when none was left, each time from `first` on."""
    return [since for since, _ in _gaps(seen) if since >= first]


def _gaps(seen: Track) -> list[tuple[float, float]]:
    """Return the stretches, by their first and last sample, in which none was left of some."""
    none = seen.values <= 0.0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], none, [False])).astype(np.int8)))
    runs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(float(seen.at[first]), float(seen.at[end - 1])) for first, end in runs if first > 0]


def _silent(scene: Scene, service: str) -> float | None:
    """Return when a service that told of itself fell silent, while others are still heard."""
    own = [one for (name, _), one in scene.tracks.items() if name == service]
    if all(one.signal in FELT for one in own):
        return None
    # How many answer is counted at each look; rates go on for as long as they look back.
    told = [one for one in own if one.signal is Signal.REPLICAS] or own
    last = max(float(one.at[-1]) for one in told)
    others = (float(one.at[-1]) for (name, _), one in scene.tracks.items() if name != service)
    step = median([one.step for one in told])
    gap = max(others, default=last) - last
    lately = last >= scene.began - OF_LATE.total_seconds()
    return last if lately and gap >= max(SILENT * step, SILENT_SECONDS) else None


def fallen(scene: Scene) -> Iterator[tuple[str, Fall]]:
    """Return everybody who fell."""
    for name in scene.names:
        found = fall(scene, name)
        if found is not None:
            yield name, found
