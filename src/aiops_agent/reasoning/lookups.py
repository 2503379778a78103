"""Does the share of look-ups that a cache answers mean anything? Nobody may be asking it.

A cache that nobody asks is told as 0 % hits by some exporters (0 of 0), and that is no empty cache.
Ours.
"""

from dataclasses import replace

import numpy as np

from aiops_agent.domain.telemetry import Signal
from aiops_agent.reasoning.gather import Key, Scene, compare
from aiops_agent.reasoning.measure import Floats, Shift, Track, median

EMPTIED = 0.08  # share of look-ups: fewer misses more load what is behind it no more than usual
ASKED = 0.2  # of the usual look-ups: of fewer, the share that is answered says nothing
FEWEST = 2  # samples that fell, where nobody counts look-ups: one is made of few, or of none
REFILLED = 0.05  # of what was lost: less is the noise of a share
MORE = 1.3  # times as many misses as before: what varies by less reaches nobody behind the cache


def while_asked(scene: Scene) -> Scene:
    """Return the scene with the hits of each cache only of the moments at which it was asked."""
    told = {key: one for key, one in scene.tracks.items() if key[1] is Signal.CACHE_HITS}
    asked = {key: _while_asked(scene, one) for key, one in told.items()}
    kept: dict[Key, Track] = {key: one for key, one in asked.items() if one is not None}
    if all(kept.get(key) is one for key, one in told.items()):
        return scene
    tracks = {key: one for key, one in scene.tracks.items() if key not in told}
    shifts = {key: one for key, one in scene.shifts.items() if key not in told}
    shifts.update(compare(kept, scene.began, scene.now, scene.ended))
    return replace(scene, tracks={**tracks, **kept}, shifts=shifts)


def emptied(scene: Scene, name: str) -> Shift | None:
    """Return how the hits of a cache fell, if so far that what is behind it is asked more."""
    hits = scene.shift(name, Signal.CACHE_HITS)
    if hits is None or not hits.down or lowest(hits) > hits.before - EMPTIED:
        return None
    track, since = hits.track, hits.track.at >= scene.began
    rate = _lookups(scene, name, np.append(track.at, scene.now))
    if rate is None:
        return hits if np.count_nonzero(since) >= FEWEST else None
    usual, misses = median(rate[:-1][~since]), rate[:-1] * (1.0 - track.values)
    if rate[-1] <= ASKED * usual:
        return None  # what nobody asks any more has lost nothing that is missed
    more = float(misses[since].max()) >= MORE * median(misses[~since])
    return hits if more else None


def lowest(hits: Shift) -> float:
    """Return the smallest share that was answered since the hits left what was usual."""
    since = hits.track.values[hits.track.at >= (hits.onset or hits.track.at[0])]
    return float(since.min()) if len(since) else hits.now


def filling(hits: Shift) -> bool:
    """Whether a cache that emptied answers more again than at its worst."""
    least, last = lowest(hits), float(hits.track.values[-1])
    return last > least + REFILLED * (hits.before - least)


def _while_asked(scene: Scene, hits: Track) -> Track | None:
    rate = _lookups(scene, hits.service, hits.at)
    if rate is None:
        seen = hits.values > 0.0  # nobody counts look-ups: it may be 0 of 0
    else:
        before = rate[hits.at < scene.began]
        seen = rate > ASKED * (median(before) if len(before) else 0.0)
    if seen.all():
        return hits
    return replace(hits, at=hits.at[seen], values=hits.values[seen]) if seen.any() else None


def _lookups(scene: Scene, cache: str, at: Floats) -> Floats | None:
    """Return how often a cache was asked: by its own traffic, else by its callers'; or None."""
    own = scene.tracks.get((cache, Signal.TRAFFIC))
    theirs = (scene.tracks.get((one, Signal.TRAFFIC)) for one in scene.graph.callers(cache))
    counts = [own] if own is not None else [one for one in theirs if one is not None]
    if not counts:
        return None
    rate: Floats = np.sum([np.interp(at, one.at, one.values) for one in counts], axis=0)
    return rate
