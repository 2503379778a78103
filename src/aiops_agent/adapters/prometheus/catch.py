"""What a Prometheus was found to hold, as far as any recipe could use it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from aiops_agent.adapters.prometheus import units
from aiops_agent.adapters.prometheus.names import Row
from aiops_agent.adapters.prometheus.words import Words

USUAL_INTERVAL = timedelta(seconds=15)  # of a scrape, when nobody tells


@dataclass(frozen=True)
class Catch:
    """What was found: per metric one row of labels for each kind of series.

    `intervals` says how often each job is scraped, `words` what the pages say, `bounds` which
    buckets a histogram has by metric and job. `aside` names the labels of a metric by which health
    checks can be left out, `streams` those for streams.
    """

    rows: Mapping[str, Sequence[Row]]
    intervals: Mapping[str, timedelta] = field(default_factory=dict)
    words: Mapping[str, Words] = field(default_factory=dict)
    bounds: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict)
    aside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    streams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def interval(self, rows: Iterable[Row]) -> timedelta:
        """Return how often these are scraped, the longest."""
        known = (self.intervals.get(row.get("job", ""), USUAL_INTERVAL) for row in rows)
        return max(known, default=USUAL_INTERVAL)

    def type(self, metric: str) -> str:
        """Return what metadata calls the metric, its series' endings taken off; "" if unknown."""
        for ending in ("", "_total", "_bucket", "_count", "_sum"):
            if metric.endswith(ending) and (known := self.words.get(metric.removesuffix(ending))):
                return known.type
        return ""

    def seconds(self, metric: str, rows: Iterable[Row]) -> float | None:
        """Return what the metric's values are multiplied by to get seconds; None if unknown."""
        if (factor := units.named(metric)) is not None:
            return factor
        base = metric.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
        words = self.words.get(base) or self.words.get(metric) or Words()
        told = units.said(words.unit) or units.said(words.help)
        return told or units.bounded(self.buckets(f"{base}_bucket", rows) or ())

    def buckets(self, metric: str, rows: Iterable[Row]) -> Sequence[float] | None:
        """Return the finite bounds that these series of a histogram have; None if unknown."""
        found = [self.bounds.get((metric, row.get("job", ""))) for row in rows]
        known = [one for one in found if one is not None]
        return max(known, key=len) if known else None

    def infinite(self, metric: str, rows: Iterable[Row]) -> bool:
        """Whether a histogram is known to have no finite bucket, as native ones in text format."""
        known = self.buckets(metric, rows)
        return known is not None and not known
