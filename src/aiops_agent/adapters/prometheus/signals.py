"""How a signal is asked for: a source of a signal becomes a query tree."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiops_agent.adapters.prometheus.query import (
    Aggregate,
    Binary,
    Expression,
    Matcher,
    Number,
    Operator,
    Over,
    Quantile,
    Select,
    among,
)
from aiops_agent.adapters.prometheus.recipe import How
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import ServiceName, Signal

P95 = 0.95  # the share of requests that a latency speaks of
_SHORTEST_RANGE = timedelta(seconds=10)  # a rate over less is noise


@dataclass(frozen=True)
class MetricSpec:
    """How to read a metric: everything about a source but whose it is."""

    how: How
    metric: str
    whole: str = ""
    per: str = ""
    where: tuple[tuple[str, str], ...] = ()
    status: str = ""
    bad: str = ""
    factor: float = 1.0


@dataclass(frozen=True)
class Source:
    """Where one signal of one service comes from.

    `label` has only this service's values in `values`; `extra` conditions hold for it alone, and
    then it cannot be read together with others.
    """

    service: ServiceName
    signal: Signal
    recipe: str
    spec: MetricSpec
    label: str = ""
    values: tuple[str, ...] = ()
    extra: tuple[Matcher, ...] = ()
    interval: timedelta = timedelta(seconds=15)

    @property
    def range(self) -> timedelta:
        """How far back a rate looks: four scrapes, so that one lost scrape leaves no gap."""
        return max(4 * self.interval, _SHORTEST_RANGE)


@dataclass(frozen=True)
class Question:
    """One query that answers for several services; `by` tells them apart, "" means only one."""

    sources: tuple[Source, ...]
    by: str
    expression: Expression


def questions(sources: Sequence[Source], least: timedelta) -> tuple[Question, ...]:
    """Return as few queries as answer for all sources, looking back at least `least`."""
    groups: dict[object, list[Source]] = {}
    for source in sources:
        alone = bool(source.extra) or len(source.values) != 1
        whose = source.service if alone else ""
        key = (source.signal, source.spec, source.label, source.range, whose)
        groups.setdefault(key, []).append(source)
    return tuple(question(group, least) for group in groups.values())


def question(sources: Sequence[Source], least: timedelta) -> Question:
    """Return the one query for sources that differ in their service only."""
    first = sources[0]
    values = tuple(dict.fromkeys(value for source in sources for value in source.values))
    matchers = first.extra + ((among(first.label, values),) if first.label else ())
    by = first.label if len(sources) > 1 else ""
    asked = _Asked(first.spec, matchers, max(first.range, least), (by,) if by else ())
    made = _HOW[first.spec.how](asked)
    if first.spec.factor != 1.0:
        made = Binary(made, "*", Number(first.spec.factor))
    return Question(tuple(sources), by, made)


def of_each(source: Source, labels: Sequence[str]) -> Expression:
    """Return the query for one source, instance by instance, told apart by `labels`."""
    matchers = source.extra + ((among(source.label, source.values),) if source.label else ())
    made = _HOW[source.spec.how](_Asked(source.spec, matchers, source.range, tuple(labels)))
    return Binary(made, "*", Number(source.spec.factor))


@dataclass(frozen=True)
class _Asked:
    spec: MetricSpec
    matchers: tuple[Matcher, ...]
    range: timedelta
    by: tuple[str, ...]

    def select(self, metric: str, *more: Matcher) -> Select:
        if not metric:
            raise SourceError(f"{self.spec.metric} has no companion to be compared with.")
        return Select(metric, (*self.matchers, *more))

    @property
    def where(self) -> tuple[Matcher, ...]:
        return tuple(Matcher(k, Operator.MATCHES, v) for k, v in self.spec.where)

    def sum(self, expression: Expression, *more: str) -> Expression:
        return Aggregate("sum", expression, (*self.by, *more))

    def rates(self, metric: str, *more: Matcher) -> Expression:
        return self.sum(Over("rate", self.select(metric, *self.where, *more), self.range))


def _quantile(asked: _Asked) -> Expression:
    buckets = Over("rate", asked.select(asked.spec.metric, *asked.where), asked.range)
    return Quantile(P95, asked.sum(buckets, "le"))


def _bad_share(asked: _Asked) -> Expression:
    bad = Matcher(asked.spec.status, Operator.MATCHES, asked.spec.bad)
    return _part(asked.rates(asked.spec.metric, bad), asked.rates(asked.spec.metric))


def _part(some: Expression, all_of_it: Expression) -> Expression:
    # A series that counts failures may not exist before the first failure: then the share is 0.
    none = Binary(all_of_it, "*", Number(0.0))
    return Binary(Binary(some, "or", none), "/", all_of_it)


def _average(asked: _Asked) -> Expression:
    return Binary(asked.rates(asked.spec.metric), "/", asked.rates(asked.spec.whole))


def _hits(asked: _Asked) -> Expression:
    hits, misses = asked.rates(asked.spec.metric), asked.rates(asked.spec.whole)
    return Binary(hits, "/", Binary(hits, "+", misses))


def _used(asked: _Asked) -> Expression:
    limit: Expression = asked.select(asked.spec.whole)
    if asked.spec.per:
        limit = Binary(limit, "/", asked.select(asked.spec.per))
    return Binary(asked.rates(asked.spec.metric), "/", asked.sum(limit))


def _now(asked: _Asked) -> Expression:
    return asked.select(asked.spec.metric, *asked.where)


_HOW: Mapping[How, Callable[[_Asked], Expression]] = {
    How.QUANTILE: _quantile,
    How.AVERAGE: _average,
    How.SUMMARY: lambda asked: Aggregate("max", _now(asked), asked.by),
    How.RATE: lambda asked: asked.rates(asked.spec.metric),
    How.BAD_SHARE: _bad_share,
    How.SHARE: lambda asked: _part(asked.rates(asked.spec.metric), asked.rates(asked.spec.whole)),
    How.HITS: _hits,
    How.GAUGE: lambda asked: Aggregate("avg", _now(asked), asked.by),
    How.TOTAL: lambda asked: asked.sum(_now(asked)),
    How.PART: lambda asked: Binary(
        asked.sum(_now(asked)), "/", asked.sum(asked.select(asked.spec.whole))
    ),
    How.USED: _used,
}
