"""What was observed around one incident, as arrays: whoever has read it, nothing here knows where.

Services, metrics and operations are numbers here; their names are for people and decide nothing.
"""

from dataclasses import dataclass, field, replace
from enum import IntEnum, unique
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from aiops_agent.reasoning.measure import median

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
LARGEST = 1e150  # beyond it a square is no longer a number: such a value counts as missing
GAP = (
    10.0  # times the usual step that make a gap of the time axis: scrapes miss one or two, not ten
)


@unique
class MetricKind(IntEnum):
    """What a metric measures, so far as it matters to who is to blame."""

    LATENCY = 0
    ERRORS = 1
    AVAILABILITY = 2  # falls where the others rise
    CPU = 3
    SATURATION = 4  # queues, throttling, waiting for a pool
    MEMORY = 5
    DISK = 6
    RETRANSMITS = 7
    NETWORK = 8
    TRAFFIC = 9
    NODE = 10  # of the machine below, shared with others
    OTHER = 11


SYMPTOMS = (MetricKind.LATENCY, MetricKind.ERRORS, MetricKind.AVAILABILITY)


@dataclass(frozen=True)
class MetricTable:
    """Metrics over time: a column for each (service, metric), a row for each moment.

    Values of one column lie side by side in memory, since all arithmetic is by column; gaps are
    not finite. `metric` is the same number for one name at every service, so that amounts can be
    compared in one unit.
    """

    at: Floats  # seconds, ascending
    values: Floats  # (columns, moments)
    service: Ints
    metric: Ints
    kind: Ints
    percent: Bools  # counted in per cent of a limit
    outbound: Bools  # of a service's calls to others, measured at its own side

    @cached_property
    def step(self) -> float:
        """The usual time between two rows in seconds; 0 with fewer than three."""
        return median(np.diff(self.at)) if len(self.at) > 2 else 0.0

    def until(self, began: float) -> int:
        """Return how many rows tell of the time before: a row speaks for the step that follows."""
        return int(np.searchsorted(self.at, began - self.step, side="right"))

    def since_gap(self, rows: int) -> int:
        """Return the first row after the last long gap among the first `rows`."""
        if rows <= 3:
            return 0
        steps = np.diff(self.at[:rows])
        gaps = np.flatnonzero(steps > GAP * median(steps))
        return int(gaps[-1]) + 1 if len(gaps) else 0

    def thinned(self, keep: int) -> "MetricTable":
        """Return every `keep`-th row."""
        return replace(
            self, at=self.at[::keep], values=np.ascontiguousarray(self.values[:, ::keep])
        )


@dataclass(frozen=True)
class LogRecord:
    """One log line; `span` is the number of the span it was written in, -1 when not known."""

    service: int
    span: int
    text: str


@dataclass(frozen=True)
class Requests:
    """The spans of a stretch of time and the lines written meanwhile; `parent` is -1 at the top."""

    service: Ints
    operation: Ints
    parent: Ints
    start_ms: Floats
    length_ms: Floats
    lines: tuple[LogRecord, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether the columns belong together: parents that exist, times that are numbers."""
        n = len(self.service)
        columns = (self.operation, self.parent, self.start_ms, self.length_ms)
        if any(len(column) != n for column in columns):
            return False
        inside = bool(np.all((self.parent >= -1) & (self.parent < n)))
        return inside and all(-1 <= one.span < n for one in self.lines)


@dataclass(frozen=True)
class Alerted:
    """What a person was alerted of: a service, by one of its kinds of metric, maybe by a column."""

    service: int
    kind: MetricKind | None = None
    column: int | None = None


@dataclass(frozen=True)
class Observations:
    """All that was seen; what is None was not there to be seen.

    `calls` are (caller, callee). `inferred` are ends that are known from their callers alone.
    `changes` are (moment in seconds, service). `placement` gives a service's machines.
    """

    services: tuple[str, ...]
    metrics: tuple[str, ...]
    table: MetricTable
    began: float  # seconds; as reported, the true start may lie before it
    alert: Alerted | None = None
    calls: frozenset[tuple[int, int]] | None = None
    inferred: frozenset[int] = frozenset()
    operations: tuple[str, ...] = ()
    usual: Requests | None = None
    faulty: Requests | None = None
    changes: tuple[tuple[float, int], ...] = ()
    placement: dict[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def column_service(self) -> Ints:
        """The service of each column."""
        return self.table.service

    def column_name(self, column: int) -> str:
        """Return the metric's name of a column."""
        return self.metrics[int(self.table.metric[column])]


def made_sound(seen: Observations) -> Observations:
    """Return the same with rows in order, what is not finite missing, no column twice.

    A column with fewer than two samples, or the same all along, says nothing: it is left out, so
    that it cannot move what is usual elsewhere.
    """
    table = seen.table
    at = np.asarray(table.at, dtype=np.float64)
    values = np.asarray(table.values, dtype=np.float64).reshape(len(table.service), len(at))
    with np.errstate(all="ignore"):
        low, high = _bounds(values)
        wild = ~(np.maximum(-low, high) < LARGEST)  # true where nothing is finite, too
    if wild.any():
        values = values.copy()
        values[wild] = np.where(np.abs(values[wild]) < LARGEST, values[wild], np.nan)
        low, high = _bounds(values)
    rows = np.isfinite(at)
    if not rows.all() or np.any(np.diff(at) < 0):
        order = np.flatnonzero(rows)[np.argsort(at[rows], kind="stable")]
        at, values = at[order], values[:, order]
    kept = _telling(values, low, high, table)
    alert = seen.alert
    if alert is not None and alert.column is not None:
        alert = replace(alert, column=_kept_as(values, kept, table, alert.column))
    # Counted from the first row: only differences of time matter, and they stay exact.
    start = float(at[0]) if len(at) else 0.0
    made = MetricTable(
        at=at - start,
        values=values[kept],
        service=table.service[kept],
        metric=table.metric[kept],
        kind=table.kind[kept],
        percent=table.percent[kept],
        outbound=table.outbound[kept],
    )
    changes = tuple((when - start, service) for when, service in seen.changes)
    return replace(seen, table=made, began=seen.began - start, alert=alert, changes=changes)


def _bounds(values: Floats) -> tuple[Floats, Floats]:
    """Return the lowest and the highest value of each column; NaN where there is none."""
    low: Floats = np.fmin.reduce(values, axis=1, initial=np.nan)
    high: Floats = np.fmax.reduce(values, axis=1, initial=np.nan)
    return low, high


def _telling(values: Floats, low: Floats, high: Floats, table: MetricTable) -> Ints:
    """Return the columns that can tell something, each content of a service and kind once."""
    alive = np.flatnonzero(high > low)  # false where nothing is finite, too
    if len(alive) < 2:
        return alive
    service, kind = table.service, table.kind
    order = alive[np.lexsort((high[alive], low[alive], kind[alive], service[alive]))]
    a, b = order[:-1], order[1:]
    alike = (service[a] == service[b]) & (kind[a] == kind[b])
    alike &= (low[a] == low[b]) & (high[a] == high[b])
    kept = np.ones(len(table.service), dtype=np.bool_)
    seen: set[bytes] = set()
    for place in np.flatnonzero(alike).tolist():
        if not (place and alike[place - 1]):  # the first of some with the same bounds
            seen = {_content(values[order[place]])}
        content = _content(values[order[place + 1]])
        kept[order[place + 1]] = content not in seen
        seen.add(content)
    return alive[kept[alive]]


def _content(values: Floats) -> bytes:
    """Return what is the same for columns with the same values: of 0 and NaN there are several."""
    return (np.where(np.isnan(values), np.nan, values) + 0.0).tobytes()


def _kept_as(values: Floats, kept: Ints, table: MetricTable, column: int) -> int | None:
    """Return where a column, or another of the same content, is found among those kept."""
    for place, other in enumerate(kept.tolist()):
        same = table.service[other] == table.service[column]
        same &= table.kind[other] == table.kind[column]
        if other == column or (same and np.array_equal(values[other], values[column], True)):
            return place
    return None
