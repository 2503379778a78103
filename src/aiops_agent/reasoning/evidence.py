"""How much did each metric change, and since when? A number a column, in units of its own unrest.

Sources: median and quartiles as level and width are BARO's robust scaler (Pham et al., FSE'24),
the search of the start answers their finding that a late alert ruins what trusts it (ASE'24); the
floor lent by peers, the second look at the minutes just before, and the worst half without its
highest sample are ours.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aiops_agent.reasoning.observations import Bools, Floats, Ints, MetricKind, MetricTable

# Each with what half and double of it cost on the shared incidents: docs/diagnosis.md.
FLOOR_OWN = 0.05  # of the own level: a change by less is of no interest to people
FLOOR_PEERS = 0.05  # of the peers' usual level: what is tiny elsewhere is tiny here
FLOOR_AVAILABLE = 0.005  # half a per cent: the least that an objective is written about
TAILS = 4.0  # widths from the 2nd to the 98th percentile of a bell curve
GATE = float(np.log1p(1.1))  # a score below it is what quiet services show as well
FEWEST_BEFORE, FEWEST_AFTER = 16, 4  # rows without which no other start can be told apart
EARLIER = (0.0, 0.15, 0.3, 0.5, 0.75, 1.0)  # starts tried, in lengths of the incident
FIRST_LOOK = (0.15, 0.4, 0.8)  # the same on few rows: costs little, and mostly ends the search
THINNED_TO = 128  # rows of that first look
AS_GOOD = 1.25  # a start that separates this much better is another start
CAP = 8.0  # one metric that left everything (e^8 widths) must not choose the start alone
LOUDEST = 10  # columns that choose the start: an incident shows in a few

EITHER_WAY = (MetricKind.TRAFFIC, MetricKind.NETWORK, MetricKind.NODE)


@dataclass(frozen=True)
class Scores:
    """A number for each column.

    `score` is the logarithm of 1 + its change in widths, 0 below the gate; `faint` the same
    without a gate; `amount` the change in the metric's own unit.
    """

    score: Floats
    faint: Floats
    amount: Floats
    began: float


def quantiles(values: Floats, *wanted: float) -> list[Floats]:
    """Return quantiles of each column, gaps left out, with one sort; NaN where all are missing."""
    ordered = np.sort(values, axis=1)  # gaps go last
    gaps = np.isnan(ordered[:, -1]).any() if ordered.size else True
    if not gaps:  # the usual case: one place for all columns
        return [_between(ordered, (ordered.shape[1] - 1) * share) for share in wanted]
    last = np.maximum((~np.isnan(ordered)).sum(axis=1) - 1, 0)
    rows, found = np.arange(len(ordered)), []
    for share in wanted:
        place = last * share
        low = place.astype(np.int64)
        part = place - low
        high = np.minimum(low + 1, last)
        found.append(ordered[rows, low] * (1 - part) + ordered[rows, high] * part)
    return found


def _between(ordered: Floats, place: float) -> Floats:
    """Return what lies at a place of each ordered column, linear between two values."""
    low = int(place)
    part, high = place - low, min(low + 1, ordered.shape[1] - 1)
    between: Floats = ordered[:, low] * (1 - part) + ordered[:, high] * part
    return between


@dataclass(frozen=True)
class Scorer:
    """Scores columns; `table` has no column that says nothing."""

    table: MetricTable

    @cached_property
    def _peers(self) -> tuple[int, Ints]:
        """How many kinds there are, and the number of each column's among them."""
        kinds, number = np.unique(self.table.kind, return_inverse=True)
        return len(kinds), number.reshape(-1)

    @cached_property
    def _either(self) -> Ints:
        return np.flatnonzero(np.isin(self.table.kind, EITHER_WAY))

    @cached_property
    def _falling(self) -> Ints:
        return np.flatnonzero(self.table.kind == MetricKind.AVAILABILITY)

    def at(self, began: float) -> Scores:
        """Return how much each column changed since `began`."""
        table = self.table
        rows = table.until(began)
        before, after = table.values[:, :rows], table.values[:, rows:]
        if not before.size or not after.size:
            nothing = np.zeros(len(table.values))
            return Scores(nothing, nothing, nothing, began)
        with np.errstate(all="ignore"):
            top, width = self._changes(before, after, rows)
        faint = np.log1p(top)
        gated = np.where(faint < GATE, 0.0, faint)
        return Scores(gated, faint, top * width, began)

    def _changes(self, before: Floats, after: Floats, rows: int) -> tuple[Floats, Floats]:
        """Return each column's change in widths, of the worst half of the time, and its width."""
        low, first, middle, third, high = quantiles(before, 0.02, 0.25, 0.5, 0.75, 0.98)
        spread = np.fmax((third - first) / 1.349, (high - low) / TAILS)
        lately = max(self.table.since_gap(rows), rows - max(2, after.shape[1]), 0)
        recent = quantiles(before[:, lately:], 0.5)[0]
        recent = np.where(np.isnan(recent), middle, recent)
        new = np.isnan(middle)  # never seen before: judged against nothing
        middle, recent = np.where(new, 0.0, middle), np.where(new, 0.0, recent)
        spread = np.where(np.isnan(spread), 0.0, spread)
        width = np.fmax(np.fmax(spread, self._floor(np.abs(middle), after)), 1e-12)
        # Against both the long time before and the minutes just before: a drift is no event.
        far = (after - middle[:, None]) / width[:, None]
        near = (after - recent[:, None]) / width[:, None]
        risen, fallen = np.minimum(far, near), np.minimum(-far, -near)
        away = risen
        away[self._either] = np.maximum(risen, fallen)[self._either]
        away[self._falling] = fallen[self._falling]
        away[~np.isfinite(away)] = 0.0
        half = max(1, -(-after.shape[1] // 2))
        worst = np.sort(away, axis=1)[:, -half:]
        if half > 1:
            worst[:, -1] = worst[:, -2]  # one sample alone is no incident: it counts as the next
        top = np.maximum(worst.mean(axis=1), 0.0)
        # One sample where there was none before may be anything.
        single = (~np.isnan(after)).sum(axis=1) < 2
        return np.where(single & new, 0.0, top), width

    def _floor(self, level: Floats, after: Floats) -> Floats:
        """Return the least width that counts: 5 % of the own level and of what peers have."""
        seen = ~np.isnan(after)
        now = np.where(seen, np.abs(after), 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        floor = np.fmax(FLOOR_OWN * level, FLOOR_PEERS * self._usual(np.fmax(level, now)))
        own = self._falling
        if len(own):
            # A share of 1 or of 100: told by the values, since names do not say it.
            most = np.fmax.reduce(np.abs(after[own]), axis=None, initial=0.0)
            floor[own] = FLOOR_AVAILABLE * (100.0 if most > 1.5 else 1.0)
        return floor

    def _usual(self, levels: Floats) -> Floats:
        """Return the median level of each column's kind, of those that have any; else 0."""
        count, number = self._peers
        some = np.flatnonzero(levels > 0)
        if not len(some):
            return np.zeros(len(levels))
        order = some[np.lexsort((levels[some], number[some]))]
        ordered = levels[order]
        ends = np.searchsorted(number[order], np.arange(count + 1))
        first, several = ends[:-1], np.diff(ends)
        upper = np.minimum(first + several // 2, len(ordered) - 1)
        lower = np.maximum(upper - 1, 0)
        middle = np.where(several % 2, ordered[upper], (ordered[lower] + ordered[upper]) / 2.0)
        usual: Floats = np.where(several, middle, 0.0)[number]
        return usual


def find_start(table: MetricTable, reported: float) -> float:
    """Return when it began: the alert may come late.

    Of some earlier starts, the latest that separates before from after about as well as the best
    one. Only within one length of the incident, and never across a gap: it cannot wander off.
    """
    step, rows = table.step, table.until(reported)
    if rows < FEWEST_BEFORE or len(table.at) - rows < FEWEST_AFTER:
        return reported
    before, after = table.at[:rows], table.at[rows:]
    gap = table.since_gap(rows)
    earliest = before[gap] + 2 * step if gap else before[0] + 8 * step
    length = min(after[-1] - after[0], (before[-1] - before[0]) * 0.5)

    def separated(scorer: Scorer, part: float) -> float:
        start = reported - part * length
        if start <= earliest:
            return -1.0
        loud = np.sort(np.minimum(scorer.at(start).faint, CAP))[-LOUDEST:]
        return float(loud.mean()) if len(loud) else 0.0

    few = Scorer(table.thinned(max(1, len(table.at) // THINNED_TO)))
    now = separated(few, 0.0)
    # On few rows the figures are rougher: a little less than AS_GOOD is worth the full look.
    if max(separated(few, part) for part in FIRST_LOOK) < now * (1.0 + 0.6 * (AS_GOOD - 1.0)):
        return reported
    full = Scorer(table)
    found = [separated(full, part) for part in EARLIER]
    best = max(found)
    if best <= 0:
        return reported
    part = next(p for p, value in zip(EARLIER, found, strict=True) if value >= best / AS_GOOD)
    return float(reported - part * length)


@dataclass(frozen=True)
class Strongest:
    """The strongest metric of each kind at each service: its score and column (-1: none)."""

    score: Floats  # (services, kinds)
    column: Ints

    def of(self, kind: MetricKind) -> Floats:
        """Return each service's score of a kind."""
        column: Floats = self.score[:, kind]
        return column


def strongest(table: MetricTable, scores: Scores, services: int) -> Strongest:
    """Return the strongest metric of each kind; of two alike, the larger amount."""
    score = np.zeros((services, len(MetricKind)))
    column = np.full((services, len(MetricKind)), -1, dtype=np.int64)
    moved: Bools = scores.score > 0
    order = np.flatnonzero(moved)
    order = order[np.lexsort((scores.amount[order], scores.score[order]))]  # the last one stays
    score[table.service[order], table.kind[order]] = scores.score[order]
    column[table.service[order], table.kind[order]] = order
    return Strongest(score, column)
