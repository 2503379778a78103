"""Asks Prometheus which series there are, and keeps the answer for a little while."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.adapters.prometheus.catch import Catch
from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.mapping import SignalMap, declared_metric, signal_map
from aiops_agent.adapters.prometheus.names import Names, Row
from aiops_agent.adapters.prometheus.query import (
    Aggregate,
    Binary,
    Expression,
    Matcher,
    Operator,
    Over,
    Select,
    among,
)
from aiops_agent.adapters.prometheus.recipe import REQUESTS, How, Recipe, usual_recipes
from aiops_agent.adapters.prometheus.routes import HEALTH, ROUTES, STREAM
from aiops_agent.adapters.prometheus.words import Words
from aiops_agent.domain.declaration import Declarations
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import Signal
from aiops_agent.ports.telemetry import Clock, Roster

_PAST = timedelta(hours=1)  # a service that fell silent is still known that long
_AT_ONCE = 40  # metrics in one question
_MOST_METRICS = 800  # twenty questions of _AT_ONCE
_LONGEST_NAME = 200  # characters; a longer one is no name
_PLAIN = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_ALWAYS = ("job", "instance")
_NAMED = ("service", "service_name", "app", "container", "container_name", "name", "pod")
_FIRST = ("up", "target_info")  # these are asked for however many others there are
_FIRST_BUCKET = Matcher("le", Operator.MATCHES, r"\+Inf|")  # one series per histogram, not all
_FAILED = Matcher("", Operator.MATCHES_NOT, "[345].*")
_STATUS = ("status", "code", "status_code", "http_status_code", "http_response_status_code")
_ENDS = ("", "_total", "_bucket", "_count", "_sum")

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
        known = await self.client.metrics(now - _PAST, now)
        rows = await self._rows(self._wanted(known))
        buckets = [name for name in rows if name.endswith("_bucket")]
        served = self._served(rows)
        return Catch(
            rows,
            await self._intervals(),
            await self._words(rows),
            await self._bounds(buckets),
            await self._labelled(served, HEALTH),
            await self._labelled(self._served(rows, (Signal.LATENCY,)), STREAM, _STATUS),
        )

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
        for by, metrics in ((k, one) for k, v in alike.items() for one in _portions(v)):
            select = Select("", (among("__name__", metrics), _FIRST_BUCKET))
            counted = Aggregate("count", _lately(select), ("__name__", *by))
            for sample in await self.client.instant(counted):
                row = dict(sample.labels)
                rows.setdefault(row.pop("__name__", ""), []).append(row)
        return rows

    async def _bounds(self, metrics: Sequence[str]) -> dict[tuple[str, str], list[float]]:
        """Return the finite bounds of histograms by metric and job."""
        found: dict[tuple[str, str], list[float]] = {}
        for portion in _portions(metrics):
            select = Select("", (among("__name__", portion),))
            counted = Aggregate("count", _lately(select), ("__name__", "job", "le"))
            for sample in await self.client.instant(counted):
                if (bound := sample.labels.get("le")) is not None:
                    key = sample.labels.get("__name__", ""), sample.labels.get("job", "")
                    finite = [float(bound)] if float(bound) != float("inf") else []
                    found.setdefault(key, []).extend(finite)
        return found

    async def _labelled(
        self, metrics: Sequence[str], meant: str, status: Sequence[str] = ()
    ) -> dict[str, tuple[str, ...]]:
        """Return by which labels the metrics tell of routes that are `meant`, where well served."""
        found: dict[str, dict[str, None]] = {}
        well = [Matcher(label, _FAILED.operator, _FAILED.value) for label in status]
        for portion in _portions(metrics):
            named = among("__name__", portion)
            any_of: Expression | None = None
            for label in ROUTES:
                one = _lately(Select("", (named, Matcher(label, Operator.MATCHES, meant), *well)))
                any_of = one if any_of is None else Binary(any_of, "or", one)
            if any_of is None:
                continue
            counted = Aggregate("count", any_of, ("__name__", *ROUTES))
            for sample in await self.client.instant(counted):
                name = sample.labels.get("__name__", "")
                labels = (label for label in ROUTES if _says(sample.labels.get(label, ""), meant))
                found.setdefault(name, {}).update(dict.fromkeys(labels))
        return {name: tuple(labels) for name, labels in found.items()}

    def _served(
        self, names: Iterable[str], signals: Sequence[Signal] = REQUESTS
    ) -> tuple[str, ...]:
        """Return those that count or time requests."""
        rules = [rule for recipe in self.recipes for rule in recipe.signals]
        rules = [rule for rule in rules if rule.signal in signals and rule.how is not How.TOTAL]
        return tuple(name for name in names if any(rule.fits(name) for rule in rules))

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

    # Mimir, Thanos and VictoriaMetrics scrape nothing themselves and may lack the next two.
    async def _words(self, metrics: Iterable[str]) -> dict[str, Words]:
        try:
            said = await self.client.metadata()
        except SourceError:
            return {}
        bases = {name.removesuffix(end) for name in metrics for end in _ENDS}
        return {name: words for name, words in said.items() if name in bases}

    async def _intervals(self) -> dict[str, timedelta]:
        """How often each job is scraped; a job that pushes is not listed."""
        found: dict[str, timedelta] = {}
        try:
            targets = await self.client.targets()
        except SourceError:
            return {}
        for target in targets:
            job = target.labels.get("job", "")
            if target.interval is not None:
                found[job] = max(target.interval, found.get(job, timedelta(0)))
        return found


def _says(value: str, meant: str) -> bool:
    return bool(value) and re.fullmatch(meant, value) is not None


def _lately(select: Select) -> Expression:
    return Over("last_over_time", select, _PAST)


def _portions(metrics: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return (tuple(metrics[i : i + _AT_ONCE]) for i in range(0, len(metrics), _AT_ONCE))
