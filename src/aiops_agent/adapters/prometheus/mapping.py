"""Which series are which service's signals, decided from names, labels and metadata alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aiops_agent.adapters.prometheus.births import with_newcomers
from aiops_agent.adapters.prometheus.catch import Catch
from aiops_agent.adapters.prometheus.names import Mark, Names, Row, marks
from aiops_agent.adapters.prometheus.query import Matcher, equal
from aiops_agent.adapters.prometheus.recipe import (
    COUNTING,
    DIRECTION,
    OUTWARD,
    REQUESTS,
    Calls,
    How,
    Recipe,
    Rule,
    pattern,
)
from aiops_agent.adapters.prometheus.routes import HEALTH, STREAM
from aiops_agent.adapters.prometheus.signals import MetricSpec, Source
from aiops_agent.domain.declaration import DeclaredSignal, SeriesKind
from aiops_agent.domain.telemetry import ServiceName, Signal

DECLARED = "declared"
_NATIVE = (How.NATIVE, How.OBSERVED)
_SERIES_OF_COUNTS = ("_total", "_count", "_sum", "_bucket")

Key = tuple[ServiceName, Signal]


@dataclass(frozen=True)
class SignalMap:
    """Where each signal of each service comes from, and who was seen calling whom.

    A call's ends are services where they are known, else the names in the series. `unseen` says
    why a signal is not read although there is a series for it.
    """

    names: Names
    sources: Mapping[Key, Source]
    calls: tuple[tuple[ServiceName, ServiceName], ...] = ()
    unseen: Mapping[Key, str] = field(default_factory=dict)

    def of(self, service: ServiceName) -> tuple[Source, ...]:
        """Return the sources of one service, in the order of the signals."""
        found = (self.sources.get((service, signal)) for signal in Signal)
        return tuple(source for source in found if source is not None)


def signal_map(catch: Catch, recipes: Sequence[Recipe], names: Names) -> SignalMap:
    """Return the map; when no service is known, those that the series name are the services."""
    names = with_newcomers(catch, recipes, names)
    told = {
        (service, signal): _declared(catch, names, (service, signal), declared)
        for service, declaration in names.declared.items()
        for signal, declared in declaration.signals.items()
    }
    sources = {key: one for key, one in told.items() if isinstance(one, Source)}
    unseen = {key: one for key, one in told.items() if isinstance(one, str)}
    for recipe, rule in _in_turn(recipes):
        for key, found in _sources(catch, recipe, rule, names):
            if key in told:  # who declares a signal wants no other in its place
                continue
            if isinstance(found, Source):
                sources.setdefault(key, found)
            else:
                unseen.setdefault(key, found)
    known = (one for recipe in recipes for one in recipe.calls)
    calls = dict.fromkeys(pair for one in known for pair in _calls(catch, one, names))
    left = {key: why for key, why in unseen.items() if key not in sources}
    return SignalMap(names, sources, tuple(calls), left)


def _in_turn(recipes: Sequence[Recipe]) -> list[tuple[Recipe, Rule]]:
    pairs = [(recipe, rule) for recipe in recipes for rule in recipe.signals]
    # A mean hides the slow requests: anything that tells a percentile goes first.
    return sorted(pairs, key=lambda pair: pair[1].how is How.AVERAGE)


def _sources(
    catch: Catch, recipe: Recipe, rule: Rule, names: Names
) -> Iterator[tuple[Key, Source | str]]:
    """Yield a source, or the reason why a series that fits is not used."""
    names = replace(names, through=recipe.thing and not recipe.view)
    for metric in _fitting(catch, recipe, rule):
        companions = _companions(catch, rule, metric)
        if companions is None:
            continue
        rows = rule.meeting(catch.rows[metric])
        for status in rule.status or ("",):
            carrying = [row for row in rows if not status or status in row]
            for service, mark in marks(carrying, recipe.order, names).items():
                own = [row for row in carrying if row.get(mark.label) in mark.values]
                fit = _Fit(recipe, rule, metric, companions, status)
                spec = _spec(catch, fit, own)
                if isinstance(spec, str):
                    yield (service, rule.signal), spec
                    continue
                found = Source(service, rule.signal, recipe.name, spec, mark.label, mark.values)
                found = replace(found, interval=catch.interval(own))
                yield (service, rule.signal), _as_declared(found, names)


def _fitting(catch: Catch, recipe: Recipe, rule: Rule) -> list[str]:
    """Return the metrics that the rule can use: finer histograms first, then the plainest name."""
    found = [name for name in catch.rows if rule.fits(name) and _counts(catch, recipe, rule, name)]

    def order(name: str) -> tuple[int, int, str]:
        buckets = catch.buckets(name, catch.rows[name]) or ()
        coarse = rule.how is How.QUANTILE and len(buckets) < _FINE
        return (-len(buckets) if coarse else -_FINE, len(name), name)

    return sorted(found, key=order)


_FINE = 8  # finite buckets: with fewer, a percentile is where a line between two of them says


def _counts(catch: Catch, recipe: Recipe, rule: Rule, metric: str) -> bool:
    """Whether the metric is a counter where one is needed, whatever its name ends in."""
    if rule.how in _NATIVE:
        return catch.type(metric) == "histogram"
    if rule.how not in COUNTING or not (recipe.guess or rule.counter):
        return True
    told = catch.type(metric)
    if rule.counter and not metric.endswith(_SERIES_OF_COUNTS):
        return told == "counter"
    return told not in {"gauge", "info", "stateset"}


@dataclass(frozen=True)
class _Fit:
    """A rule that can be used on a metric, with the status label that tells failures."""

    recipe: Recipe
    rule: Rule
    metric: str
    companions: tuple[str, str]
    status: str


def _spec(catch: Catch, fit: _Fit, own: Sequence[Row]) -> MetricSpec | str:
    """Return how to read it for a service with these rows, or why it cannot be read."""
    rule, metric = fit.rule, fit.metric
    factor = rule.scale or catch.seconds(metric, own)
    if factor is None:
        return f"{metric} does not tell its unit; declare it with its scale"
    if rule.how is How.QUANTILE and catch.infinite(metric, own):
        return f"{metric} has no finite bucket"
    never = dict(rule.never)
    if fit.recipe.guess and any(pattern(OUTWARD).fullmatch(row.get(DIRECTION, "")) for row in own):
        never[DIRECTION] = OUTWARD
    if rule.signal in REQUESTS:
        never |= dict.fromkeys(catch.aside.get(metric, ()), HEALTH)
    if rule.signal is Signal.LATENCY:
        for label in catch.streams.get(metric, ()):
            never[label] = f"{never[label]}|{STREAM}" if label in never else STREAM
    return MetricSpec(
        rule.how,
        metric,
        *fit.companions,
        where=tuple(rule.where.items()),
        never=tuple(never.items()),
        whole_where=tuple(rule.whole_where.items()),
        status=fit.status,
        bad=rule.bad,
        good=rule.good,
        factor=factor,
    )


def _as_declared(source: Source, names: Names) -> Source:
    declared = names.declared.get(source.service)
    if declared is None or not declared.match.labels:
        return source
    return replace(source, label="", values=(), extra=_equal(declared.match.labels))


def _declared(catch: Catch, names: Names, key: Key, declared: DeclaredSignal) -> Source | str:
    """Return where a declared signal comes from, or why there is nothing of it."""
    service, signal = key
    spec = _declared_spec(declared)
    labels = {**names.declared[service].match.labels, **declared.labels}
    for metric in (spec.metric, spec.whole):
        if metric and metric not in catch.rows:
            return f"declared as {metric}, which does not exist"
    rows = [row for row in catch.rows[spec.metric] if labels.items() <= row.items()]
    if not rows:
        return f"declared as {spec.metric}, no series of which has these labels"
    every = catch.interval(rows)
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


def _declared_spec(declared: DeclaredSignal) -> MetricSpec:
    alone, with_whole = {
        SeriesKind.HISTOGRAM: (How.QUANTILE, How.QUANTILE),
        SeriesKind.COUNTER: (How.RATE, How.SHARE),
        SeriesKind.GAUGE: (How.GAUGE, How.PART),
    }[declared.kind]
    how = with_whole if declared.whole else alone
    return MetricSpec(how, declared_metric(declared), declared.whole, factor=declared.scale)


def _companions(catch: Catch, rule: Rule, metric: str) -> tuple[str, str] | None:
    """Return the metrics that belong to it, or None when one that is needed is not there."""
    found = []
    for template in (rule.whole, rule.per):
        there = [name for name in rule.companions(template, metric) if name in catch.rows]
        if template and not there:
            return None
        found.append(there[0] if there else "")
    return found[0], found[1]


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


def _equal(labels: Mapping[str, str]) -> tuple[Matcher, ...]:
    return tuple(equal(name, value) for name, value in labels.items())
