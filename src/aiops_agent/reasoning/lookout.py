"""Reads what the watch needs and no more: minutes of all services, earlier days of few."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from aiops_agent.domain.telemetry import GOLDEN, Objective, ServiceGraph, ServiceName, Window
from aiops_agent.ports.telemetry import Metrics
from aiops_agent.reasoning.detect import WINDOW, Bars, Key, Moved, Watched, as_then, bars, noticed
from aiops_agent.reasoning.harm import USUAL, HarmLimits
from aiops_agent.reasoning.measure import Track, track

MOST_SERVICES = 300  # the first of the topology; more would be no bounded question
MOST_NEW = 10  # of a look that are compared with earlier days; the others wait for the next
OVERLAP = timedelta(seconds=90)  # read again: samples come late
RENEWED = timedelta(minutes=5)  # after which what is usual is worked out anew
EARLIER = (timedelta(days=1), timedelta(days=7))  # habits repeat by the day and by the week
AROUND = timedelta(minutes=45)  # of the same time: jobs begin a little early or late
LAST = 3  # samples whose middle is the present value


@dataclass(frozen=True)
class Glance:
    """One look: what is worse than usual, and the signals to ask for what no longer is."""

    moved: tuple[Moved, ...]
    watched: Watched
    services: int

    def now(self, key: Key) -> float | None:
        """Return the present value of a signal; None where it is not seen."""
        column = self.watched.column(*key)
        last = column[-LAST:] if column is not None else np.zeros(0)
        last = last[np.isfinite(last)]
        return float(np.median(last)) if len(last) else None


@dataclass
class Lookout:
    """Golden signals of one environment over the last hour, kept up to date; `now` ascends.

    A process that starts reads the hour once.
    """

    metrics: Metrics
    harm: HarmLimits = USUAL
    _seen: dict[Key, Track] = field(default_factory=dict)
    _until: datetime | None = None
    _bars: Bars | None = None
    _renewed: datetime | None = None
    _keys: tuple[Key, ...] = ()
    _habits: dict[Key, datetime] = field(default_factory=dict)  # as on earlier days; until then

    async def look(self, graph: ServiceGraph, now: datetime, known: Collection[Key]) -> Glance:
        """Return what is worse than usual; `known` is not compared with earlier days again.

        Raises SourceError.
        """
        services = graph.names[:MOST_SERVICES]
        await self._read(services, now)
        watched = Watched.of(self._seen)
        found = noticed(watched, self._usual(watched, _objectives(graph), now), self.harm)
        moved, asked = list[Moved](), 0
        for one in found:
            key = (one.service, one.signal)
            if key in known:
                moved.append(one)
            elif self._habits.get(key, now) <= now and asked < MOST_NEW:
                asked += 1
                if not await self._habit(one, now):
                    moved.append(one)
        return Glance(tuple(moved), watched, len(services))

    async def _read(self, services: Sequence[ServiceName], now: datetime) -> None:
        hour = now - timedelta(seconds=WINDOW)
        start = max(hour, self._until - OVERLAP) if self._until else hour
        fresh = await self.metrics.read(services, GOLDEN, Window(start=start, end=now))
        wanted, kept = frozenset(services), dict[Key, Track]()
        for key, was in self._seen.items():
            left = _between(was, hour.timestamp(), start.timestamp())
            if key[0] in wanted and len(left.at):
                kept[key] = left
        for series in fresh:
            if (found := track(series)) is not None:
                key = (series.service, series.signal)
                kept[key] = _joined(kept[key], found) if key in kept else found
        self._seen, self._until = kept, now

    def _usual(
        self, watched: Watched, objectives: Mapping[ServiceName, Objective], now: datetime
    ) -> Bars:
        late = self._renewed is None or now - self._renewed >= RENEWED
        if self._bars is None or late or watched.keys != self._keys:
            self._bars, self._renewed = bars(watched, objectives, self.harm), now
            self._keys = watched.keys
        return self._bars

    async def _habit(self, one: Moved, now: datetime) -> bool:
        """Whether it was about as bad at this time of an earlier day; remembered for a while."""
        for earlier in EARLIER:
            then = now - earlier
            window = Window(start=then - AROUND, end=then + AROUND)
            for series in await self.metrics.read((one.service,), (one.signal,), window):
                found = track(series)
                if found is not None and as_then(one, found, now.timestamp()):
                    # Asked again when it has lasted half as long once more.
                    lasted = timedelta(seconds=now.timestamp() - one.since)
                    self._habits[one.service, one.signal] = now + lasted / 2
                    return True
        return False


def _objectives(graph: ServiceGraph) -> dict[ServiceName, Objective]:
    return {service.name: service.objective for service in graph.services}


def _between(seen: Track, start: float, end: float) -> Track:
    low, high = np.searchsorted(seen.at, (start, end))
    return Track(seen.service, seen.signal, seen.at[low:high], seen.values[low:high],
                 seen.source, seen.query)  # fmt: skip


def _joined(early: Track, late: Track) -> Track:
    at, values = np.append(early.at, late.at), np.append(early.values, late.values)
    return Track(late.service, late.signal, at, values, late.source, late.query)
