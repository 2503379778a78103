"""Made-up systems as arrays: a chain of services, one of them broken, so the truth is known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aiops_agent.reasoning.observations import (
    Alerted,
    Floats,
    Ints,
    MetricKind,
    MetricTable,
    Observations,
    Requests,
)

METRICS = (
    ("latency", MetricKind.LATENCY, 0.1),
    ("errors", MetricKind.ERRORS, 0.01),
    ("cpu", MetricKind.CPU, 0.4),
    ("memory", MetricKind.MEMORY, 300.0),
    ("requests", MetricKind.TRAFFIC, 50.0),
)
KINDS = {name: kind for name, kind, _ in METRICS}
ROWS, BROKEN_ROWS, STEP = 80, 12, 15.0
BEGAN = 1_700_000_000.0


def system(seed: int, services: int = 6, factor: float = 4.0) -> tuple[Observations, str]:
    """Return a chain in which one service needs more CPU and so is late, and that service's name.

    Its callers wait for it; the first of the chain alerts.
    """
    dice = np.random.default_rng(seed)
    truth = int(dice.integers(1, services))
    columns, names = [], []
    for service in range(services):
        for name, _, level in METRICS:
            own = level * float(dice.uniform(0.5, 2.0))
            values = own * (1 + 0.03 * dice.standard_normal(ROWS))
            hit = values[-BROKEN_ROWS:]
            if name == "cpu" and service == truth:
                hit *= factor
            if name == "latency" and service <= truth:
                hit += 0.1 * factor
            columns.append(values)
            names.append((f"service-{service}", name))
    calls = [(i, i + 1) for i in range(services - 1)]
    return observed(names, np.array(columns), calls, "service-0"), f"service-{truth}"


def observed(
    names: Sequence[tuple[str, str]],
    values: Floats,
    calls: Sequence[tuple[int, int]] = (),
    alerting: str | None = None,
) -> Observations:
    """Return columns as observations; the alert is of the first latency of `alerting`."""
    services = list(dict.fromkeys(service for service, _ in names))
    metrics = list(dict.fromkeys(metric for _, metric in names))
    alert = None
    if alerting is not None:
        column = list(names).index((alerting, "latency"))
        alert = Alerted(services.index(alerting), MetricKind.LATENCY, column)
    width = values.shape[1]
    return Observations(
        services=tuple(services),
        metrics=tuple(metrics),
        table=MetricTable(
            at=BEGAN + STEP * (np.arange(width, dtype=np.float64) - (ROWS - BROKEN_ROWS)),
            values=values,
            service=np.array([services.index(service) for service, _ in names], dtype=np.int64),
            metric=np.array([metrics.index(metric) for _, metric in names], dtype=np.int64),
            kind=np.array([KINDS.get(m, MetricKind.OTHER) for _, m in names], dtype=np.int64),
            percent=np.zeros(len(names), dtype=np.bool_),
            outbound=np.zeros(len(names), dtype=np.bool_),
        ),
        began=BEGAN,
        alert=alert,
        calls=frozenset(calls) or None,
    )


def reordered(seen: Observations, columns: Ints, services: Ints) -> Observations:
    """Return the same with columns and services in another order."""
    table = seen.table
    place = np.empty_like(services)
    place[services] = np.arange(len(services))
    alert = seen.alert
    if alert is not None:
        moved = alert.column if alert.column is None else int(np.argsort(columns)[alert.column])
        alert = Alerted(int(place[alert.service]), alert.kind, moved)
    return replace(
        seen,
        services=tuple(seen.services[i] for i in services),
        table=replace(
            table,
            values=table.values[columns],
            service=place[table.service[columns]],
            metric=table.metric[columns],
            kind=table.kind[columns],
            percent=table.percent[columns],
            outbound=table.outbound[columns],
        ),
        alert=alert,
        calls=frozenset((int(place[a]), int(place[b])) for a, b in seen.calls or ()) or None,
    )


def scaled(seen: Observations, kind: MetricKind, factor: float) -> Observations:
    """Return the same with another unit for one kind of metric, everywhere."""
    values = seen.table.values.copy()
    values[seen.table.kind == kind] *= factor
    return replace(seen, table=replace(seen.table, values=values))


@dataclass(frozen=True)
class Extra:
    """A column to add: the service and kind it is of, and its values."""

    service: int
    kind: MetricKind
    values: Floats


def extended(seen: Observations, *extra: Extra) -> Observations:
    """Return the same with more columns, each under a name of its own."""
    table = seen.table

    def more(column: Any, added: Sequence[Any]) -> Any:
        return np.concatenate((column, np.array(added, dtype=column.dtype)))

    first = len(seen.metrics)
    numbers = range(first, first + len(extra))
    return replace(
        seen,
        metrics=(*seen.metrics, *(f"extra-{i}" for i in numbers)),
        table=replace(
            table,
            values=np.concatenate((table.values, [one.values for one in extra])),
            service=more(table.service, [one.service for one in extra]),
            metric=more(table.metric, list(numbers)),
            kind=more(table.kind, [one.kind for one in extra]),
            percent=more(table.percent, [False] * len(extra)),
            outbound=more(table.outbound, [False] * len(extra)),
        ),
    )


def requests(rows: Sequence[tuple[int, int, int, float]]) -> Requests:
    """Return spans from (service, operation, parent, ms)."""
    columns = list(zip(*rows, strict=True))
    return Requests(
        service=np.array(columns[0], dtype=np.int64),
        operation=np.array(columns[1], dtype=np.int64),
        parent=np.array(columns[2], dtype=np.int64),
        start_ms=np.zeros(len(rows)),
        length_ms=np.array(columns[3], dtype=np.float64),
    )
