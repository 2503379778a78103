"""How a signal is asked for: a source of a signal becomes a query tree."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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

P95, P99 = 0.95, 0.99  # the shares of requests that a latency and its tail speak of
_SHORTEST_RANGE = timedelta(seconds=10)  # a rate over less is noise


@dataclass(frozen=True)
class MetricSpec:
    """How to read a metric: everything about a source but whose it is."""

    how: How
    metric: str
    whole: str = ""
    per: str = ""
    where: tuple[tuple[str, str], ...] = ()
    never: tuple[tuple[str, str], ...] = ()
    whole_where: tuple[tuple[str, str], ...] = ()
    status: str = ""
    bad: str = ""
    good: str = ""
    factor: float = 1.0
    share: float = P95  # of requests, where it is a quantile


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


def tail_of(latency: Source | None) -> Source | None:
    """Return the source of a higher quantile of the same histogram; None where there is none."""
    if latency is None or latency.spec.how not in (How.QUANTILE, How.NATIVE):
        return None
    return replace(latency, signal=Signal.TAIL, spec=replace(latency.spec, share=P99))


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


def failures_of_each(source: Source, labels: Sequence[str]) -> Expression | None:
    """Return how many requests fail per second, told apart by `labels`; None if not counted."""
    matchers = source.extra + ((among(source.label, source.values),) if source.label else ())
    asked = _Asked(source.spec, matchers, source.range, tuple(labels))
    if source.spec.how is How.BAD_SHARE:
        return asked.rates(source.spec.metric, _bad(source.spec))
    return asked.rates(source.spec.metric) if source.spec.how is How.SHARE else None


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
        met = (Matcher(k, Operator.MATCHES, v) for k, v in self.spec.where)
        missed = (Matcher(k, Operator.MATCHES_NOT, v) for k, v in self.spec.never)
        return (*met, *missed)

    @property
    def whole(self) -> Expression:
        """The limit of a gauge; 0 and -1 mean that there is none."""
        where = (Matcher(k, Operator.MATCHES, v) for k, v in self.spec.whole_where)
        return Binary(self.select(self.spec.whole, *where), ">", Number(0.0))

    def sum(self, expression: Expression, *more: str) -> Expression:
        return Aggregate("sum", expression, (*self.by, *more))

    def over(self, function: str, metric: str, *more: Matcher) -> Expression:
        return Over(function, self.select(metric, *self.where, *more), self.range)

    def rates(self, metric: str, *more: Matcher) -> Expression:
        return self.sum(self.over("rate", metric, *more))

    def average(self, expression: Expression) -> Expression:
        return Aggregate("avg", expression, self.by)


def _quantile(asked: _Asked) -> Expression:
    buckets = asked.over("rate", asked.spec.metric)
    return Quantile(asked.spec.share, asked.sum(buckets, "le"))


def _bad(spec: MetricSpec) -> Matcher:
    operator = Operator.MATCHES if spec.bad else Operator.MATCHES_NOT
    return Matcher(spec.status, operator, spec.bad or spec.good)


def _bad_share(asked: _Asked) -> Expression:
    spec = asked.spec
    return _part(asked.rates(spec.metric, _bad(spec)), asked.rates(spec.metric))


def _part(some: Expression, all_of_it: Expression) -> Expression:
    # A series that counts failures may not exist before the first failure: then the share is 0.
    none = Binary(all_of_it, "*", Number(0.0))
    return Binary(Binary(some, "or", none), "/", all_of_it)


def _both(asked: _Asked) -> Expression:
    return Binary(asked.rates(asked.spec.metric), "+", asked.rates(asked.spec.whole))


def _hits(asked: _Asked) -> Expression:
    return Binary(asked.rates(asked.spec.metric), "/", _both(asked))


def _used(asked: _Asked) -> Expression:
    limit: Expression = asked.whole
    if asked.spec.per:
        limit = Binary(limit, "/", asked.select(asked.spec.per))
    return Binary(asked.rates(asked.spec.metric), "/", asked.sum(limit))


def _now(asked: _Asked) -> Expression:
    return asked.select(asked.spec.metric, *asked.where)


def _share_now(asked: _Asked) -> Expression:
    return Binary(asked.sum(_now(asked)), "/", asked.sum(asked.whole))


def _beside(asked: _Asked) -> Expression:
    where = (Matcher(k, Operator.MATCHES, v) for k, v in asked.spec.whole_where)
    rest = asked.select(asked.spec.whole, *where)
    some = asked.sum(_now(asked))
    return Binary(some, "/", Binary(some, "+", asked.sum(rest)))


def _worst(asked: _Asked) -> Expression:
    return Aggregate("max", Binary(_now(asked), "/", asked.whole), asked.by)


def _rest(expression: Expression) -> Expression:
    return Binary(Number(1.0), "-", expression)


_HOW: Mapping[How, Callable[[_Asked], Expression]] = {
    How.QUANTILE: _quantile,
    How.AVERAGE: lambda asked: Binary(
        asked.rates(asked.spec.metric), "/", asked.rates(asked.spec.whole)
    ),
    How.SUMMARY: lambda asked: Aggregate("max", _now(asked), asked.by),
    How.RATE: lambda asked: asked.rates(asked.spec.metric),
    How.BOTH: _both,
    How.BAD_SHARE: _bad_share,
    How.NATIVE: lambda asked: Quantile(asked.spec.share, asked.rates(asked.spec.metric)),
    How.OBSERVED: lambda asked: Aggregate("histogram_count", asked.rates(asked.spec.metric)),
    How.SPARED: lambda asked: _rest(
        Binary(asked.rates(asked.spec.metric), "/", asked.rates(asked.spec.whole))
    ),
    How.SHARE: lambda asked: _part(asked.rates(asked.spec.metric), asked.rates(asked.spec.whole)),
    How.HITS: _hits,
    How.GAUGE: lambda asked: asked.average(_now(asked)),
    How.TOTAL: lambda asked: asked.sum(_now(asked)),
    How.BESIDE: _beside,
    How.PART: _share_now,
    How.WORST: _worst,
    How.FREE: lambda asked: _rest(_share_now(asked)),
    How.REST: lambda asked: _rest(asked.average(_now(asked))),
    How.IDLE: lambda asked: _rest(asked.average(asked.over("rate", asked.spec.metric))),
    How.FAILING: lambda asked: _rest(asked.average(asked.over("avg_over_time", asked.spec.metric))),
    How.USED: _used,
    How.INCREASE: lambda asked: asked.sum(asked.over("increase", asked.spec.metric)),
}
