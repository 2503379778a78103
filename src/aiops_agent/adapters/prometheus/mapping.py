"""Which series are which service's signals, decided from names and labels alone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from aiops_agent.adapters.prometheus.names import Mark, Names, Row, marks, newcomer
from aiops_agent.adapters.prometheus.query import Matcher, equal
from aiops_agent.adapters.prometheus.recipe import Calls, How, Recipe, Rule
from aiops_agent.adapters.prometheus.signals import MetricSpec, Source
from aiops_agent.domain.declaration import DeclaredSignal, SeriesKind
from aiops_agent.domain.survey import Instances
from aiops_agent.domain.telemetry import ServiceName, Signal

DECLARED = "declared"
_USUAL_INTERVAL = timedelta(seconds=15)  # of a scrape, when the server tells none
_REQUESTS = (Signal.LATENCY, Signal.TRAFFIC, Signal.ERRORS)
_MOST_NEWCOMERS = 300  # services that nobody declared; more are labels gone wrong


@dataclass(frozen=True)
class Catch:
    """What was found: per metric one row of labels for each kind of series.

    `intervals` says how often each job is scraped.
    """

    rows: Mapping[str, Sequence[Row]]
    intervals: Mapping[str, timedelta] = field(default_factory=dict)


@dataclass(frozen=True)
class SignalMap:
    """Where each signal of each service comes from, and who was seen calling whom.

    A call's ends are services where they are known, else the names in the series.
    """

    names: Names
    sources: Mapping[tuple[ServiceName, Signal], Source]
    calls: tuple[tuple[ServiceName, ServiceName], ...] = ()

    def of(self, service: ServiceName) -> tuple[Source, ...]:
        """Return the sources of one service, in the order of the signals."""
        found = (self.sources.get((service, signal)) for signal in Signal)
        return tuple(source for source in found if source is not None)


def signal_map(catch: Catch, recipes: Sequence[Recipe], names: Names) -> SignalMap:
    """Return the map; when no service is known, those that the series name are the services."""
    if not names.services:
        names = _with_newcomers(catch, recipes, names)
    sources: dict[tuple[ServiceName, Signal], Source] = {}
    for service, declaration in names.declared.items():
        for signal, declared in declaration.signals.items():
            sources[service, signal] = _declared(catch, names, service, signal, declared)
    for recipe, rule in _in_turn(recipes):
        for source in _sources(catch, recipe, rule, names):
            sources.setdefault((source.service, source.signal), source)
    known = (one for recipe in recipes for one in recipe.calls)
    calls = dict.fromkeys(pair for one in known for pair in _calls(catch, one, names))
    return SignalMap(names, sources, tuple(calls))


def _in_turn(recipes: Sequence[Recipe]) -> list[tuple[Recipe, Rule]]:
    pairs = [(recipe, rule) for recipe in recipes for rule in recipe.signals]
    # A mean hides the slow requests: anything that tells a percentile goes first.
    return sorted(pairs, key=lambda pair: pair[1].how is How.AVERAGE)


def _sources(catch: Catch, recipe: Recipe, rule: Rule, names: Names) -> Iterator[Source]:
    fitting = (name for name in catch.rows if rule.fits(name))
    for metric in sorted(fitting, key=lambda name: (len(name), name)):  # the plainest first
        companions = _companions(catch, rule, metric)
        if companions is None:
            continue
        rows = _meeting(catch.rows[metric], rule.where)
        for status in rule.status or ("",):
            carrying = [row for row in rows if not status or status in row]
            where, factor = tuple(rule.where.items()), rule.factor(metric)
            spec = MetricSpec(rule.how, metric, *companions, where, status, rule.bad, factor)
            for service, mark in marks(carrying, recipe.services, names).items():
                own = (row for row in carrying if row.get(mark.label) in mark.values)
                every = max((_job(catch, row) for row in own), default=_USUAL_INTERVAL)
                found = Source(service, rule.signal, recipe.name, spec, mark.label, mark.values)
                yield _as_declared(replace(found, interval=every), names)


def _as_declared(source: Source, names: Names) -> Source:
    declared = names.declared.get(source.service)
    if declared is None or not declared.match.labels:
        return source
    return replace(source, label="", values=(), extra=_equal(declared.match.labels))


def _declared(
    catch: Catch, names: Names, service: ServiceName, signal: Signal, declared: DeclaredSignal
) -> Source:
    spec = _spec(declared)
    labels = {**names.declared[service].match.labels, **declared.labels}
    rows = [row for row in catch.rows.get(spec.metric, ()) if labels.items() <= row.items()]
    every = max((_job(catch, row) for row in rows), default=_USUAL_INTERVAL)
    if labels:
        extra = _equal(labels)
        return Source(service, signal, DECLARED, spec, extra=extra, interval=every)
    # Nobody said whose series it is: it is the service's own where a label tells, else all of it.
    order = sorted({name for row in rows for name in row}, key=lambda n: (n == "instance", n))
    mark = marks(rows, order, names).get(service, Mark("", ()))
    return Source(service, signal, DECLARED, spec, mark.label, mark.values, interval=every)


def declared_metric(declared: DeclaredSignal) -> str:
    """Return the name of the series that a declared signal is read from."""
    histogram = declared.kind is SeriesKind.HISTOGRAM
    bare = histogram and not declared.metric.endswith("_bucket")
    return f"{declared.metric}_bucket" if bare else declared.metric


def _spec(declared: DeclaredSignal) -> MetricSpec:
    alone, with_whole = {
        SeriesKind.HISTOGRAM: (How.QUANTILE, How.QUANTILE),
        SeriesKind.COUNTER: (How.RATE, How.SHARE),
        SeriesKind.GAUGE: (How.GAUGE, How.PART),
    }[declared.kind]
    how = with_whole if declared.whole else alone
    return MetricSpec(how, declared_metric(declared), declared.whole, factor=declared.scale)


def _with_newcomers(catch: Catch, recipes: Sequence[Recipe], names: Names) -> Names:
    found: dict[ServiceName, None] = {}
    for recipe, rule in _in_turn(recipes):
        if rule.signal not in _REQUESTS:
            continue
        for metric in sorted(name for name in catch.rows if rule.fits(name)):
            rows = _meeting(catch.rows[metric], rule.where)
            called = (newcomer(row, recipe.services) for row in rows)
            found |= dict.fromkeys(name for name in called if name is not None)
    kept = list(found)[:_MOST_NEWCOMERS]
    return Names.of((Instances(service=service) for service in kept), names.declared)


def _companions(catch: Catch, rule: Rule, metric: str) -> tuple[str, str] | None:
    """Return the metrics that belong to it, or None when one that is needed is not there."""
    found = []
    for template in (rule.whole, rule.per):
        there = [name for name in rule.companions(template, metric) if name in catch.rows]
        if template and not there:
            return None
        found.append(there[0] if there else "")
    return found[0], found[1]


def _meeting(rows: Sequence[Row], where: Mapping[str, str]) -> list[Row]:
    def meets(row: Row) -> bool:
        return all(re.fullmatch(pattern, row.get(name, "")) for name, pattern in where.items())

    return [row for row in rows if meets(row)]


def _calls(catch: Catch, calls: Calls, names: Names) -> Iterator[tuple[ServiceName, ServiceName]]:
    rows = (row for name, rows in catch.rows.items() if name == calls.metric for row in rows)
    for row in rows:
        ends = [_end(row, labels, names) for labels in (calls.caller, calls.callee)]
        if ends[0] and ends[1] and ends[0] != ends[1]:
            yield ends[0], ends[1]


def _end(row: Row, labels: Sequence[str], names: Names) -> ServiceName | None:
    value = next((row[name] for name in labels if row.get(name)), None)
    if value is None or value in {"unknown", "user"}:
        return None
    return names.meant(value) or ServiceName(value)


def _job(catch: Catch, row: Row) -> timedelta:
    return catch.intervals.get(row.get("job", ""), _USUAL_INTERVAL)


def _equal(labels: Mapping[str, str]) -> tuple[Matcher, ...]:
    return tuple(equal(name, value) for name, value in labels.items())
