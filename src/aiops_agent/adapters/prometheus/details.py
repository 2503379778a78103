"""What discovery further asks of the metrics it found; each answer helps, and none is needed."""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.names import Row
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
from aiops_agent.adapters.prometheus.recipe import REQUESTS, How, Recipe, pattern
from aiops_agent.adapters.prometheus.routes import HEALTH, ROUTES, STREAM
from aiops_agent.adapters.prometheus.words import Words
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import Signal

PAST = timedelta(hours=1)  # what fell silent is still known that long
_AT_ONCE = 40  # metrics in one question
_MEASURED = timedelta(minutes=10)  # of samples, to see how often they come
_RAREST = timedelta(minutes=5)  # Prometheus forgets a series that is silent for so long
_ENDS = ("", "_total", "_bucket", "_count", "_sum")
_STATUS = ("status", "code", "status_code", "http_status_code", "http_response_status_code")
_FAILED = "[345].*"  # what was refused or failed did not last as long as somebody listened

Rows = Mapping[str, Sequence[Row]]
T = TypeVar("T")


@dataclass(frozen=True)
class Details:
    """See `Catch`."""

    words: Mapping[str, Words] = field(default_factory=dict)
    bounds: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict)
    aside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    streams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


async def details(client: PrometheusClient, rows: Rows, recipes: Sequence[Recipe]) -> Details:
    """Return what can be learned of these metrics."""
    served = _served(rows, recipes, REQUESTS)
    timed = _served(rows, recipes, (Signal.LATENCY,))
    return Details(
        await _tried(_words(client, rows)) or {},
        await _tried(_bounds(client, [name for name in rows if name.endswith("_bucket")])) or {},
        await _tried(_labelled(client, served, HEALTH)) or {},
        await _tried(_labelled(client, timed, STREAM, _STATUS)) or {},
    )


async def intervals(client: PrometheusClient, rows: Rows) -> dict[str, timedelta]:
    """Return how often each job's series get a sample.

    Who scrapes tells; what is pushed, and what Mimir, Thanos or VictoriaMetrics keep, is measured.
    """
    found: dict[str, timedelta] = {}
    for target in await _tried(client.targets()) or ():
        job = target.labels.get("job", "")
        if target.interval is not None:
            found[job] = max(target.interval, found.get(job, timedelta(0)))
    unknown: dict[str, str] = {}
    for metric, its in rows.items():
        for row in its:
            if (job := row.get("job", "")) and job not in found:
                unknown.setdefault(job, metric)
    if unknown:
        found |= await _tried(_measured(client, unknown)) or {}
    return found


async def stale(client: PrometheusClient, now: float) -> frozenset[str]:
    """Return the jobs whose values were last pushed too long ago: a Pushgateway keeps them all."""
    pushed = await _tried(client.instant(Select("push_time_seconds"))) or ()
    last: dict[str, float] = {}
    for sample in pushed:
        job = sample.labels.get("exported_job") or sample.labels.get("job", "")
        last[job] = max(sample.value or 0.0, last.get(job, 0.0))
    return frozenset(job for job, at in last.items() if now - at > PAST.total_seconds())


async def _tried(asked: Awaitable[T]) -> T | None:
    try:
        return await asked
    except SourceError:
        return None


async def _measured(client: PrometheusClient, metrics: Mapping[str, str]) -> dict[str, timedelta]:
    names = tuple(dict.fromkeys(metrics.values()))
    select = Select("", (among("__name__", names), among("job", tuple(metrics))))
    counted = Aggregate("max", Over("count_over_time", select, _MEASURED), ("job",))
    found = {}
    for sample in await client.instant(counted):
        if sample.value:
            every = timedelta(seconds=round(_MEASURED.total_seconds() / sample.value, 1))
            found[sample.labels.get("job", "")] = min(every, _RAREST)
    return found


async def _words(client: PrometheusClient, metrics: Iterable[str]) -> dict[str, Words]:
    bases = {name.removesuffix(end) for name in metrics for end in _ENDS}
    return {name: words for name, words in (await client.metadata()).items() if name in bases}


async def _bounds(
    client: PrometheusClient, metrics: Sequence[str]
) -> dict[tuple[str, str], list[float]]:
    """Return the finite bounds of histograms by metric and job."""
    found: dict[tuple[str, str], list[float]] = {}
    for portion in portions(metrics):
        select = Select("", (among("__name__", portion),))
        counted = Aggregate("count", lately(select), ("__name__", "job", "le"))
        for sample in await client.instant(counted):
            if (bound := sample.labels.get("le")) is not None:
                key = sample.labels.get("__name__", ""), sample.labels.get("job", "")
                finite = [float(bound)] if float(bound) != float("inf") else []
                found.setdefault(key, []).extend(finite)
    return found


async def _labelled(
    client: PrometheusClient, metrics: Sequence[str], meant: str, status: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Return by which labels the metrics tell of routes that are `meant`, where well served."""
    found: dict[str, dict[str, None]] = {}
    well = [Matcher(label, Operator.MATCHES_NOT, _FAILED) for label in status]
    for portion in portions(metrics):
        named = among("__name__", portion)
        asked = [
            lately(Select("", (named, Matcher(label, Operator.MATCHES, meant), *well)))
            for label in ROUTES
        ]
        counted = Aggregate("count", _any_of(asked), ("__name__", *ROUTES))
        for sample in await client.instant(counted):
            name = sample.labels.get("__name__", "")
            labels = (label for label in ROUTES if _says(sample.labels.get(label, ""), meant))
            found.setdefault(name, {}).update(dict.fromkeys(labels))
    return {name: tuple(labels) for name, labels in found.items()}


def _any_of(asked: Sequence[Expression]) -> Expression:
    first, *others = asked
    for one in others:
        first = Binary(first, "or", one)
    return first


def _says(value: str, meant: str) -> bool:
    return bool(value) and pattern(meant).fullmatch(value) is not None


def _served(
    names: Iterable[str], recipes: Sequence[Recipe], signals: Sequence[Signal]
) -> tuple[str, ...]:
    """Return those that count or time requests."""
    rules = [rule for recipe in recipes for rule in recipe.signals]
    rules = [rule for rule in rules if rule.signal in signals and rule.how is not How.TOTAL]
    return tuple(name for name in names if any(rule.fits(name) for rule in rules))


def lately(select: Select) -> Expression:
    """Return what the series were within the last hour."""
    return Over("last_over_time", select, PAST)


def portions(metrics: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """Return the metrics in lots for one question each."""
    return (tuple(metrics[i : i + _AT_ONCE]) for i in range(0, len(metrics), _AT_ONCE))
