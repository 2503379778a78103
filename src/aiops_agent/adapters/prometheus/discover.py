"""Asks Prometheus which series there are, and keeps the answer for a little while."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.adapters.prometheus.catch import Catch
from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.details import (
    PAST,
    Details,
    details,
    intervals,
    lately,
    portions,
    stale,
)
from aiops_agent.adapters.prometheus.mapping import SignalMap, declared_metric, signal_map
from aiops_agent.adapters.prometheus.names import Names, Row
from aiops_agent.adapters.prometheus.query import Aggregate, Matcher, Operator, Select, among
from aiops_agent.adapters.prometheus.recipe import Recipe, usual_recipes
from aiops_agent.domain.declaration import Declarations
from aiops_agent.ports.telemetry import Clock, Roster

_TOLD = timedelta(minutes=2)  # what pages say of their metrics seldom changes
_MOST_METRICS = 800  # some twenty questions
_LONGEST_NAME = 200  # characters; a longer one is no name
_PLAIN = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_ALWAYS = ("job", "instance")
_NAMED = ("service", "service_name", "app", "container", "container_name", "name", "pod")
_FIRST = ("up", "target_info")  # these are asked for however many others there are
_PUSHED = "push_time_seconds"  # a Pushgateway tells when each group was pushed last
_FIRST_BUCKET = Matcher("le", Operator.MATCHES, r"\+Inf|")  # one series per histogram, not all

_Told = tuple[datetime, frozenset[tuple[str, str]], Details]
_Need = tuple[int, str, tuple[str, ...]]  # a recipe's rank, a metric, the labels that matter


@dataclass(frozen=True)
class Discovery:
    """Finds out where signals come from. `roster` knows what runs, where somebody does.

    What was found is used for `refresh`, so that new replicas are seen soon.
    """

    client: PrometheusClient
    clock: Clock
    declared: Declarations = field(default_factory=dict)
    roster: Roster | None = None
    recipes: Sequence[Recipe] = field(default_factory=usual_recipes)
    refresh: timedelta = timedelta(seconds=15)
    _kept: list[tuple[datetime, SignalMap]] = field(default_factory=list, repr=False)
    _told: list[_Told] = field(default_factory=list, repr=False)
    _needed: dict[str, tuple[_Need, ...]] = field(default_factory=dict, repr=False)

    async def signals(self) -> SignalMap:
        """Return where signals come from now. Raises SourceError."""
        now = self.clock.now()
        if self._kept and now - self._kept[0][0] < self.refresh:
            return self._kept[0][1]
        running = await self.roster.instances() if self.roster else ()
        names = Names.of(running, self.declared)
        found = signal_map(await self.catch(), self.recipes, names)
        self._kept[:] = [(now, found)]
        return found

    async def catch(self) -> Catch:
        """Return what there is that any recipe could use. Raises SourceError."""
        now = self.clock.now()
        known = await self.client.metrics(now - PAST, now)
        rows = await self._rows(self._wanted(known))
        if _PUSHED in known:
            old = await stale(self.client, now.timestamp())
            rows = {name: [row for row in its if not _of(row, old)] for name, its in rows.items()}
        told = await self._details(rows, now)
        every = await intervals(self.client, rows)
        return Catch(rows, every, told.words, told.bounds, told.aside, told.streams)

    async def _details(self, rows: Mapping[str, Sequence[Row]], now: datetime) -> Details:
        """Return what is asked again only when there are other metrics, or after a while."""
        key = frozenset((name, row.get("job", "")) for name, its in rows.items() for row in its)
        if not self._told or self._told[0][1] != key or now - self._told[0][0] >= _TOLD:
            self._told[:] = [(now, key, await details(self.client, rows, self.recipes))]
        return self._told[0][2]

    async def _rows(self, wanted: Mapping[str, frozenset[str]]) -> dict[str, list[Row]]:
        """Return the labels of each metric's series, as far as they matter for that metric.

        More labels would mean a row for each of their values: routes, pods, tables.
        """
        alike: dict[tuple[str, ...], list[str]] = {}
        for metric, labels in wanted.items():
            # A server that has such a name knows such labels; older ones refuse the question.
            known = labels if not _PLAIN.fullmatch(metric) else filter(_PLAIN.fullmatch, labels)
            alike.setdefault(tuple(sorted(known)), []).append(metric)
        rows: dict[str, list[Row]] = {}
        for by, metrics in ((k, one) for k, v in alike.items() for one in portions(v)):
            select = Select("", (among("__name__", metrics), _FIRST_BUCKET))
            counted = Aggregate("count", lately(select), ("__name__", *by))
            for sample in await self.client.instant(counted):
                row = dict(sample.labels)
                rows.setdefault(row.pop("__name__", ""), []).append(row)
        return rows

    def _wanted(self, known: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the metrics to look at, the best recipes' first, and the labels that matter."""
        names = sorted(name for name in known if len(name) <= _LONGEST_NAME)
        there = set(names)
        always = frozenset((*_ALWAYS, *self._declared_labels()))
        first = [*_FIRST, *self._declared_metrics()]
        wanted: dict[str, set[str]] = {name: set(_NAMED) for name in first if name in there}
        ranked: list[tuple[int, str, tuple[str, ...]]] = []
        for name in names:
            if name not in self._needed:
                self._needed[name] = tuple(
                    (recipe.rank, *ask) for recipe in self.recipes for ask in recipe.asks(name)
                )
            ranked += self._needed[name]
        for _, metric, labels in sorted(ranked):
            if metric in there and (metric in wanted or len(wanted) < _MOST_METRICS):
                wanted.setdefault(metric, set()).update(labels)
        return {metric: always | labels for metric, labels in wanted.items()}

    def _declared_metrics(self) -> list[str]:
        signals = (one for known in self.declared.values() for one in known.signals.values())
        return [name for one in signals for name in (declared_metric(one), one.whole)]

    def _declared_labels(self) -> Iterator[str]:
        for known in self.declared.values():
            yield from known.match.labels
            for signal in known.signals.values():
                yield from signal.labels


def _of(row: Row, jobs: frozenset[str]) -> bool:
    return (row.get("exported_job") or row.get("job", "")) in jobs
