"""Which alerts fired when: the series ALERTS, which Prometheus writes of its own rules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiops_agent.adapters.prometheus.past import PastClient
from aiops_agent.adapters.prometheus.query import Aggregate, Select, among, equal
from aiops_agent.domain.backtest import AlertEpisode, AlertPast
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import Window

STEP = timedelta(minutes=1)  # Prometheus' own default between two evaluations of a rule
PAUSE = timedelta(minutes=5)  # one that pauses for less is one: Alertmanager's `group_interval`
_AT_ONCE = timedelta(days=1)  # of alerts in one question
_PORTION = timedelta(hours=6)  # where a day is more than can be read
_MOST_LOST = 3  # questions in vain, with none answered, before it is given up
_FIRING = Select("ALERTS", (equal("alertstate", "firing"),))
_ALIVE = Aggregate("count", Select("", (among("__name__", ("up", "target_info", "ALERTS")),)))
_OURS = ("__name__", "alertstate")

_Labels = tuple[tuple[str, str], ...]


@dataclass
class _Reading:
    seen: dict[_Labels, set[float]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    answered: int = 0


@dataclass(frozen=True)
class PrometheusFirings:
    """The AlertHistory port over one Prometheus."""

    client: PastClient

    async def fired(self, window: Window) -> AlertPast:
        """Return what fired; what did already at the start is left out: its beginning is not known.

        Moments are whole minutes, whatever the window, so that they are the same in every run.
        """
        first, last = _minute(window.start), _minute(window.end)
        read = _Reading()
        for start, end in _portions(first, last, _AT_ONCE):
            if not await self._read(read, start, end):
                for part in _portions(start, end, _PORTION):
                    if not await self._read(read, *part):
                        read.unread.append(f"alerts of {part[0]:%Y-%m-%d %H:%M} to {part[1]:%H:%M}")
            if not read.answered and len(read.unread) >= _MOST_LOST:
                raise SourceError("Prometheus does not answer which alerts fired; is it up?")
        found, before = _episodes(read.seen, first, last)
        if before:
            read.unread.append(f"{before} alerts that fired already at the start")
        recorded = await self._recorded(Window(start=first, end=last))
        return AlertPast(episodes=found, recorded=recorded, unread=tuple(read.unread))

    async def _read(self, read: _Reading, start: datetime, end: datetime) -> bool:
        try:
            answer = await self.client.range(_FIRING, start, end, STEP)
        except SourceError:
            return False
        read.answered += 1
        for one in answer:
            own = tuple(sorted((k, v) for k, v in one.labels.items() if k not in _OURS))
            read.seen.setdefault(own, set()).update(one.points)
        return True

    async def _recorded(self, window: Window) -> timedelta:
        """Return for how long anything was scraped or evaluated; retention may be shorter."""
        step = max(min(timedelta(hours=1), window.length / 24), window.length / 5000, STEP)
        answer = await self.client.range(_ALIVE, window.start + step, window.end, step)
        return min(step * sum(len(one.points) for one in answer), window.length)


def _episodes(
    seen: dict[_Labels, set[float]], first: datetime, last: datetime
) -> tuple[tuple[AlertEpisode, ...], int]:
    """Return the stretches, oldest first, and how many had begun before the first moment."""
    found, before = [], 0
    for labels, points in seen.items():
        for start, end in _stretches(sorted(points)):
            if start <= first.timestamp():
                before += 1
                continue
            fires = last.timestamp() - end < PAUSE.total_seconds()
            ended = None if fires else _moment(end) + STEP
            found.append(AlertEpisode(labels=dict(labels), began=_moment(start), ended=ended))
    return tuple(sorted(found, key=lambda one: (one.began, sorted(one.labels.items())))), before


def _stretches(points: Sequence[float]) -> Iterator[tuple[float, float]]:
    start = 0
    for i in range(1, len(points) + 1):
        if i == len(points) or points[i] - points[i - 1] > PAUSE.total_seconds():
            yield points[start], points[i - 1]
            start = i


def _portions(
    first: datetime, last: datetime, length: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    while first < last:
        end = min(first + length, last)
        yield first, end
        first = end


def _minute(at: datetime) -> datetime:
    step = STEP.total_seconds()
    return _moment(at.timestamp() // step * step)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
