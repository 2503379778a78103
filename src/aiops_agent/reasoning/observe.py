"""The live scene as `Observations`: the same arithmetic for what ports told and for case files."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.reasoning.fallen import Fall
from aiops_agent.reasoning.gather import Scene
from aiops_agent.reasoning.measure import Track, median
from aiops_agent.reasoning.metric_kinds import is_inferred
from aiops_agent.reasoning.observations import (
    Alerted,
    Floats,
    MetricKind,
    MetricTable,
    Observations,
)

KINDS = {
    Signal.LATENCY: MetricKind.LATENCY,
    Signal.ERRORS: MetricKind.ERRORS,
    Signal.TRAFFIC: MetricKind.TRAFFIC,
    Signal.SATURATION: MetricKind.CPU,
    Signal.MEMORY: MetricKind.MEMORY,
    Signal.POOL: MetricKind.SATURATION,
    Signal.POOL_WAIT: MetricKind.SATURATION,
    Signal.QUEUE: MetricKind.SATURATION,
    Signal.CACHE_HITS: MetricKind.SATURATION,  # as misses: what is lost
}
SHARES = (Signal.SATURATION, Signal.MEMORY)  # of a limit
LONGEST = 2000  # rows: half a day by 20 s


def observations(  # limit: one table, column by column
    scene: Scene, alerted: Signal | None = None, down: Mapping[str, Fall] = MappingProxyType({})
) -> Observations:
    """Return what was seen around an incident as arrays.

    `alerted` is what the alert is about; the worst pain of the service where nobody says. Whoever
    is `down` has one column more: that it was there, and is no longer.
    """
    names = tuple(scene.names)
    place = {name: i for i, name in enumerate(names)}
    tracks = [one for key, one in sorted(scene.tracks.items()) if key[1] in KINDS]
    at = _grid(tracks)
    signals = list(KINDS)
    gone = [(place[ServiceName(name)], _present(fall, scene, at)) for name, fall in down.items()]
    values = [*(_sampled(one, at) for one in tracks), *(course for _, course in gone)]
    service = [*(place[one.service] for one in tracks), *(one for one, _ in gone)]
    metric = [*(signals.index(one.signal) for one in tracks), *(len(signals) for _ in gone)]
    kind = [*(KINDS[one.signal] for one in tracks), *(MetricKind.AVAILABILITY for _ in gone)]
    percent = [*(one.signal in SHARES for one in tracks), *(False for _ in gone)]
    calls = ((a, b) for a, b in scene.graph.calls if a in place and b in place)
    return Observations(
        services=names,
        metrics=(*(str(one) for one in signals), "is there"),
        table=MetricTable(
            at=at,
            values=np.array(values).reshape(len(values), len(at)),
            service=np.array(service, dtype=np.int64),
            metric=np.array(metric, dtype=np.int64),
            kind=np.array(kind, dtype=np.int64),
            percent=np.array(percent, dtype=np.bool_),
            outbound=np.zeros(len(values), dtype=np.bool_),
        ),
        began=scene.began,
        alert=_alerted(scene, tracks, place, alerted),
        calls=frozenset((place[a], place[b]) for a, b in calls) or None,
        inferred=frozenset(i for name, i in place.items() if is_inferred(name)),
        changes=tuple(
            (one.at.timestamp(), place[one.service])
            for one in scene.changes
            if one.service in place
        ),
    )


def _alerted(
    scene: Scene, tracks: list[Track], place: dict[ServiceName, int], alerted: Signal | None
) -> Alerted | None:
    if scene.service not in place:
        return None
    if alerted is None:
        pain = scene.pain(scene.service)
        alerted = pain[0].track.signal if pain else None
    keys = [(one.service, one.signal) for one in tracks]
    wanted = (scene.service, alerted)
    column = next((i for i, key in enumerate(keys) if key == wanted), None)
    kind = KINDS.get(alerted) if alerted is not None else None
    return Alerted(place[scene.service], kind, column)


def _present(fall: Fall, scene: Scene, at: Floats) -> Floats:
    """Return 1 while all of a service was there, and what is left of it since it fell."""
    return np.where(at < (scene.began if fall.at is None else fall.at), 1.0, fall.left)


def _grid(tracks: list[Track]) -> Floats:
    """Return evenly spaced moments over everything seen, as fine as most of it is at its end."""
    steps = [median(np.diff(one.at[-8:])) for one in tracks if len(one.at) > 1]
    if not steps:
        return np.zeros(0)
    first = min(float(one.at[0]) for one in tracks)
    last = max(float(one.at[-1]) for one in tracks)
    step = max(median(np.array(steps)), (last - first) / LONGEST, 1e-3)
    return first + step * np.arange(int((last - first) / step) + 1, dtype=np.float64)


def _sampled(one: Track, at: Floats) -> Floats:
    """Return the last sample within each step of the grid, NaN where there is none."""
    values = np.full(len(at), np.nan)
    if len(at) > 1:
        rows = np.clip(((one.at - at[0]) / (at[1] - at[0])).astype(np.int64), 0, len(at) - 1)
        seen = 100.0 * one.values if one.signal in SHARES else one.values
        values[rows] = 1.0 - seen if one.signal is Signal.CACHE_HITS else seen
    return values
