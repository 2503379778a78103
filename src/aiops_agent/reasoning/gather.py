"""Read everything once: signals, call graph, changes, logs; say what could not be read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.telemetry import (
    Change,
    LogLine,
    Series,
    Service,
    ServiceGraph,
    ServiceName,
    Signal,
    Span,
    Window,
)
from aiops_agent.ports.telemetry import Environment
from aiops_agent.reasoning import measure
from aiops_agent.reasoning.episodes import last_split, peaks
from aiops_agent.reasoning.instances import Headcount
from aiops_agent.reasoning.measure import FEWEST_BEFORE, Shift, Track, median, shift
from aiops_agent.reasoning.traced import read_spans, with_traced

Key = tuple[str, Signal]
EXTRA_BASELINE = timedelta(minutes=15)  # slow troubles begin before the alert's "before"
ENOUGH = 24  # samples before the beginning: half as many again as a search of the start needs
FARTHEST = timedelta(days=1)  # that is read for them, however rare samples are
LONGEST_TROUBLE = timedelta(hours=6)  # an older beginning is a label, not a time
CHANGE_HISTORY = timedelta(hours=24)  # what changed earlier had its day of calm
LATELY = timedelta(minutes=6)  # the stretch that is read as finely as the source allows
LOG_BEFORE = timedelta(minutes=10)  # what is usual
LOG_AFTER = timedelta(minutes=10)  # what is said now
NO_CALLS = ("topology", "who calls whom is not known here")
PAIN = (Signal.LATENCY, Signal.ERRORS)  # what a user feels


@dataclass(frozen=True)
class Scene:
    """What was seen around one incident. Moments are seconds since the epoch.

    `missing` names sources ("metrics", "logs", "changes", "topology") with the reason. `ended` are
    stretches of earlier trouble, which are no part of what is usual. `standings` are there where
    somebody asked how instances are.
    """

    service: ServiceName
    now: float
    began: float
    tracks: dict[Key, Track]
    shifts: dict[Key, Shift]
    graph: ServiceGraph
    changes: tuple[Change, ...] = ()
    logs_before: tuple[LogLine, ...] = ()
    logs_after: tuple[LogLine, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    ended: tuple[measure.Stretch, ...] = ()
    standings: tuple[Headcount, ...] = ()
    spans_before: tuple[Span, ...] = ()
    spans_after: tuple[Span, ...] = ()

    def shift(self, service: str, signal: Signal) -> Shift | None:
        """Return how one signal moved, or None when it is not seen."""
        return self.shifts.get((service, signal))

    def pain(self, service: str) -> tuple[Shift, ...]:
        """Return the shifts by which `service` hurts its users, worst first; none when well."""
        moved = (self.shift(service, signal) for signal in PAIN)
        hurts = [one for one in moved if one is not None and one.up]
        return tuple(sorted(hurts, key=lambda one: -one.size))

    def reach(self, service: str) -> float:
        """Return how well `service` can be behind the alert: 1 on its path, less beside it."""
        if service == self.service or not self.graph.calls:
            return 1.0
        # Traces miss edges: what is not on the path is unlikely, and not impossible.
        return 1.0 if service in self.graph.downstream(self.service) else 0.4

    def lacks(self, source: str) -> bool:
        """Whether a source could not be read."""
        return any(name == source for name, _ in self.missing)

    @property
    def names(self) -> tuple[ServiceName, ...]:
        """Every service that was seen."""
        seen = (one.service for one in self.tracks.values())
        return tuple(dict.fromkeys((*self.graph.names, *seen)))


def beginning(incident: Incident) -> datetime:
    """Return a believable start: a sender's clock may say 1970 or the future."""
    started, opened = incident.started_at, incident.opened_at
    return started if opened - LONGEST_TROUBLE <= started <= opened else opened


def around(incident: Incident, baseline: timedelta, now: datetime) -> Window:
    """Return the time to look at: enough before the beginning for slow troubles, until now."""
    return Window(start=beginning(incident) - baseline - EXTRA_BASELINE, end=now)


async def read_signals(
    environment: Environment,
    services: Sequence[ServiceName],
    signals: Sequence[Signal],
    window: Window,
) -> dict[Key, Track]:
    """Read signals over `window`, the last minutes as finely as the source allows.

    Where the history is short, all of it is read that finely. Raises SourceError.
    """
    tracks = _tracks(await environment.metrics.read(services, signals, window))
    if not tracks:
        return tracks
    first = min(float(seen.at[0]) for seen in tracks.values())
    covered = timedelta(seconds=window.end.timestamp() - first)
    short = covered < window.length / 3
    length = covered * 1.1 + timedelta(seconds=10) if short else LATELY
    near = Window(start=max(window.start, window.end - length), end=window.end)
    fine = _tracks(await environment.metrics.read(services, signals, near))
    return {key: measure.finer(seen, fine.get(key)) for key, seen in tracks.items()}


async def read_scene(
    environment: Environment, incident: Incident, baseline: timedelta, now: datetime
) -> Scene:
    """Read the whole scene; only metrics are indispensable: without them raises SourceError."""
    service, window = incident.service, around(incident, baseline, now)
    suspected = beginning(incident)
    missing: list[tuple[str, str]] = []
    graph = await read_graph(environment, service, missing)
    tracks = await _read_enough(environment, graph.names, window, suspected)
    found = find_start(tracks, service, suspected.timestamp(), window.start.timestamp())
    began = suspected.timestamp() if found is None else found
    ended = earlier_trouble(tracks, service, began)
    shifts = compare(tracks, began, now.timestamp(), ended)
    scene = Scene(service, now.timestamp(), began, tracks, shifts, graph, ended=ended)
    changes = await _read_changes(environment, now, missing)
    scene = await _traced(environment, scene, now, missing)
    before, after = await _read_logs(environment, scene, now, missing)
    scene = replace(scene, changes=changes, missing=tuple(missing))
    return replace(scene, logs_before=before, logs_after=after)


async def _read_enough(
    environment: Environment, services: Sequence[ServiceName], window: Window, suspected: datetime
) -> dict[Key, Track]:
    """Read all signals over `window`, and farther back where samples are too rare for it."""
    tracks = await read_signals(environment, services, tuple(Signal), window)
    steps = [one.step for one in tracks.values() if one.step > 0]
    wanted = min(timedelta(seconds=ENOUGH * median(steps) if steps else 0.0), FARTHEST)
    if suspected - wanted >= window.start:
        return tracks
    longer = Window(start=suspected - wanted, end=window.end)
    return await read_signals(environment, services, tuple(Signal), longer)


async def read_graph(
    environment: Environment, service: ServiceName, missing: list[tuple[str, str]]
) -> ServiceGraph:
    """Return the call graph, at least the one service; adds to `missing` what is not there."""
    alone = ServiceGraph(services=(Service(name=service),))
    try:
        graph = await environment.topology.graph()
    except SourceError as error:
        missing.append(("topology", f"the call graph could not be read: {error}"))
        return alone
    if graph.service(service) is None:
        graph = graph.model_copy(update={"services": (*graph.services, *alone.services)})
    if not graph.calls:
        missing.append(NO_CALLS)
    return graph


def compare(
    tracks: dict[Key, Track],
    began: float,
    now: float,
    ended: tuple[measure.Stretch, ...] = (),
) -> dict[Key, Shift]:
    """Return every signal's shift since `began`, with noise floors lent by its peers.

    What was seen in stretches that `ended` before is no part of what is usual.
    """
    levels: dict[Signal, list[float]] = {}
    for (_, signal), seen in tracks.items():
        before = seen.between(-np.inf, began)
        if len(before):
            levels.setdefault(signal, []).append(median(before))
    peers = {signal: measure.usual(found) for signal, found in levels.items()}
    peers[Signal.TRAFFIC] = 0.0  # a busy service says nothing about a quiet one's traffic
    found = {
        key: shift(seen, began, now, peers.get(key[1], 0.0), ended) for key, seen in tracks.items()
    }
    return {key: moved for key, moved in found.items() if moved is not None}


def find_start(
    tracks: dict[Key, Track], service: str, suspected: float, earliest: float = -np.inf
) -> float | None:
    """Return when the service's pain began: alerts come late, so the true start is searched.

    None when its signals show no beginning since `earliest`.
    """
    found = []
    for signal in PAIN:
        seen = tracks.get((service, signal))
        at = last_split(seen, suspected + 60.0) if seen is not None else None
        # Enough time before it must be left to compare with.
        if seen is not None and at is not None and len(seen.between(-np.inf, at)) >= FEWEST_BEFORE:
            found.append(at)
    return min((at for at in found if earliest <= at <= suspected + 60.0), default=None)


def earlier_trouble(
    tracks: dict[Key, Track], service: str, began: float
) -> tuple[measure.Stretch, ...]:
    """Return the stretches before `began` in which the service's users were hurt.

    None where they make up much of the time: then they are what is usual.
    """
    found = [
        stretch
        for signal in PAIN
        if (seen := tracks.get((service, signal))) is not None
        for stretch in peaks(seen, began)
    ]
    return tuple(sorted(found))


def _tracks(series: Iterable[Series]) -> dict[Key, Track]:
    found: dict[Key, Track] = {}
    times: tuple[datetime, ...] = ()
    at = measure.stamps(times)
    for one in series:
        if one.times != times:  # most series of one read share their times
            times, at = one.times, measure.stamps(one.times)
        if (seen := measure.track(one, at)) is not None:
            found[seen.service, seen.signal] = seen
    return found


async def _read_changes(
    environment: Environment, now: datetime, missing: list[tuple[str, str]]
) -> tuple[Change, ...]:
    try:
        changes = await environment.changes.changes(Window(start=now - CHANGE_HISTORY, end=now))
    except SourceError as error:
        missing.append(("changes", f"changes could not be read: {error}"))
        return ()
    if not changes:
        missing.append(("changes", "no change at all is on record for the last day"))
    return changes


def _windows(scene: Scene, now: datetime) -> tuple[Window, Window]:
    """Return the times of which lines and spans are read: what is usual, and what is now."""
    began = datetime.fromtimestamp(scene.began, now.tzinfo)
    usual = Window(start=began - LOG_BEFORE, end=began)
    return usual, Window(start=max(began, now - LOG_AFTER), end=now)


async def _traced(
    environment: Environment, scene: Scene, now: datetime, missing: list[tuple[str, str]]
) -> Scene:
    """Return the scene with its spans; they tell who calls whom where nobody else does."""
    before, after, why = await read_spans(environment, scene.names, *_windows(scene, now))
    graph = with_traced(scene.graph, (*before, *after))
    if why:
        missing.append(("spans", why))
    if graph.calls and NO_CALLS in missing:
        missing.remove(NO_CALLS)
    return replace(scene, graph=graph, spans_before=before, spans_after=after)


async def _read_logs(
    environment: Environment, scene: Scene, now: datetime, missing: list[tuple[str, str]]
) -> tuple[tuple[LogLine, ...], tuple[LogLine, ...]]:
    usual, lately = _windows(scene, now)
    try:
        before = await environment.logs.lines(scene.names, usual)
        after = await environment.logs.lines(scene.names, lately)
    except SourceError as error:
        missing.append(("logs", f"logs could not be read: {error}"))
        return (), ()
    if not before and not after:
        missing.append(("logs", "no log line was found"))
    return before, after
