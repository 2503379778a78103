"""The live scene as `Observations`: the same arithmetic for what ports told and for case files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.reasoning.fallen import Fall
from aiops_agent.reasoning.gather import Scene
from aiops_agent.reasoning.measure import Track, median
from aiops_agent.reasoning.metric_kinds import is_inferred
from aiops_agent.reasoning.observations import (
    GAP,
    Alerted,
    Floats,
    Ints,
    MetricKind,
    MetricTable,
    Observations,
)
from aiops_agent.reasoning.traced import operations_of, requests_of

KINDS = {
    Signal.LATENCY: MetricKind.LATENCY,
    Signal.TAIL: MetricKind.LATENCY,
    # As what is answered: half a per cent of requests counts alike, whatever fails elsewhere.
    Signal.ERRORS: MetricKind.AVAILABILITY,
    Signal.TRAFFIC: MetricKind.TRAFFIC,
    Signal.SATURATION: MetricKind.CPU,
    Signal.MEMORY: MetricKind.MEMORY,
    Signal.POOL: MetricKind.SATURATION,
    Signal.POOL_WAIT: MetricKind.SATURATION,
    Signal.QUEUE: MetricKind.SATURATION,
    Signal.CACHE_HITS: MetricKind.SATURATION,  # as misses: what is lost
}
SHARES = (Signal.SATURATION, Signal.MEMORY)  # of a limit
LOST = (Signal.ERRORS, Signal.CACHE_HITS)  # what is left of a whole
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
    grid = _Moments.of(tracks)
    at = grid.at
    signals = list(KINDS)
    gone = [(place[ServiceName(name)], _present(fall, scene, at)) for name, fall in down.items()]
    values = [*(grid.sampled(one) for one in tracks), *(course for _, course in gone)]
    service = [*(place[one.service] for one in tracks), *(one for one, _ in gone)]
    metric = [*(signals.index(one.signal) for one in tracks), *(len(signals) for _ in gone)]
    kind = [*(KINDS[one.signal] for one in tracks), *(MetricKind.AVAILABILITY for _ in gone)]
    percent = [*(one.signal in SHARES for one in tracks), *(False for _ in gone)]
    calls = ((a, b) for a, b in scene.graph.calls if a in place and b in place)
    made = Observations(
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
        placement={
            place[one.service]: one.nodes
            for one in scene.standings
            if one.nodes and one.service in place
        },
    )
    return _traced(made, scene, place)


def _traced(made: Observations, scene: Scene, place: Mapping[ServiceName, int]) -> Observations:
    """Return them with the requests of both times."""
    operations = operations_of(scene.spans_before, scene.spans_after)
    # As many minutes of lines as there are of the trouble: they are counted.
    lately = [one for one in scene.logs_before if one.at.timestamp() >= 2 * scene.began - scene.now]
    return replace(
        made,
        operations=tuple(operations),
        usual=requests_of(scene.spans_before, lately, place, operations),
        faulty=requests_of(scene.spans_after, scene.logs_after, place, operations),
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


@dataclass(frozen=True)
class _Moments:
    """Evenly spaced moments over everything seen, as fine as most of it is at its end.

    `rows` are the numbers of those that are kept: where nobody measured for long there is a gap,
    as in a case file, which parts two stretches of time.
    """

    first: float
    step: float
    rows: Ints

    @classmethod
    def of(cls, tracks: Sequence[Track]) -> "_Moments":
        steps = [median(np.diff(one.at[-8:])) for one in tracks if len(one.at) > 1]
        if not steps:
            return cls(0.0, 1.0, np.zeros(0, dtype=np.int64))
        first = min(float(one.at[0]) for one in tracks)
        last = max(float(one.at[-1]) for one in tracks)
        step = max(median(np.array(steps)), (last - first) / LONGEST, 1e-3)
        whole = cls(first, step, np.arange(int((last - first) / step) + 1))
        seen = np.unique(np.concatenate([whole.places(one) for one in tracks]))
        kept = np.ones(len(whole.rows), dtype=np.bool_)
        for row in np.flatnonzero(np.diff(seen) > GAP).tolist():
            kept[seen[row] + 1 : seen[row + 1]] = False
        return replace(whole, rows=whole.rows[kept])

    @property
    def at(self) -> Floats:
        """The moments, in seconds."""
        return self.first + self.step * self.rows.astype(np.float64)

    def places(self, one: Track) -> Ints:
        """Return at which of the moments each sample was seen."""
        rows = ((one.at - self.first) / self.step).astype(np.int64)
        places = np.searchsorted(self.rows, np.clip(rows, 0, self.rows[-1]))
        return places.astype(np.int64)

    def sampled(self, one: Track) -> Floats:
        """Return the last sample within each step of the grid, NaN where there is none."""
        values = np.full(len(self.rows), np.nan)
        if len(values) > 1:
            seen = 100.0 * one.values if one.signal in SHARES else one.values
            values[self.places(one)] = 1.0 - seen if one.signal in LOST else seen
        return values
