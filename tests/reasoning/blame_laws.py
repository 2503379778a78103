"""What must be so of blame, whatever the system: each law is tried on a system drawn from a seed.

A law returns "" where it holds, else what came out otherwise. Tests try a few seeds, `python -m
bench laws` many.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from aiops_agent.reasoning.belief import probability
from aiops_agent.reasoning.blame import BlameRanking, blame
from aiops_agent.reasoning.observations import (
    Alerted,
    Floats,
    MetricKind,
    MetricTable,
    Observations,
)
from tests.reasoning.systems import Extra, extended, reordered, scaled, system

Law = Callable[[int], str]

STEP = 15.0
SHARE_METRICS = 5  # names that several services have, by kind
UNITS = (0.001, 0.125, 60.0, 1000.0)  # what people change units by
PER_CENT = 100.0  # the only other unit that availability has
ODD = np.array([0.0, 1.0, -1.0, 1e-300, 1e300, np.nan, np.inf, -np.inf])


def drawn(seed: int) -> Observations:
    """Draw a system: services, what of them is measured, who calls whom, and what goes wrong.

    Series are even, coarse (counts that tie) or mostly missing; the time axis may have a gap, the
    graph a circle, the alert no column.
    """
    dice = np.random.default_rng((7, seed))
    services, rows = int(dice.integers(2, 9)), int(dice.integers(24, 120))
    faulty = int(dice.integers(3, max(4, rows // 3)))
    truth = int(dice.integers(services))
    names: list[tuple[int, int, int]] = []  # service, kind, metric
    values: list[Floats] = []
    for service in range(services):
        for kind in dice.choice(len(MetricKind), int(dice.integers(1, 7)), replace=False).tolist():
            for number in range(int(dice.choice((1, 1, 2)))):
                names.append((service, kind, kind * SHARE_METRICS + number))
                values.append(_series(dice, rows, faulty, MetricKind(kind), service == truth))
    if dice.random() < 0.3:  # the same under another name
        twin = int(dice.integers(len(names)))
        service, kind, metric = names[twin]
        names.append((service, kind, metric + 2))
        values.append(values[twin].copy())
    at = STEP * np.arange(rows, dtype=np.float64)
    if dice.random() < 0.3:
        at[int(dice.integers(1, rows - faulty)) :] += 3600.0
    pairs = dice.integers(services, size=(int(dice.integers(1, 2 * services)), 2))
    calls = frozenset((int(a), int(b)) for a, b in pairs)
    columns = np.array(names, dtype=np.int64)
    return Observations(
        services=tuple(f"service-{i}" for i in range(services)),
        metrics=tuple(f"metric-{i}" for i in range(SHARE_METRICS * len(MetricKind))),
        table=MetricTable(
            at=at,
            values=np.array(values),
            service=columns[:, 0],
            metric=columns[:, 2],
            kind=columns[:, 1],
            percent=np.zeros(len(names), dtype=np.bool_),
            outbound=columns[:, 2] % SHARE_METRICS == 1,  # goes with the name, as in the real ones
        ),
        began=float(at[rows - faulty]),
        alert=_alert(dice, columns),
        calls=calls if dice.random() < 0.7 else None,
        inferred=frozenset({truth}) if dice.random() < 0.1 else frozenset(),
        changes=((float(at[rows - faulty]) - 60.0, truth),) if dice.random() < 0.3 else (),
    )


def _series(
    dice: np.random.Generator, rows: int, faulty: int, kind: MetricKind, truth: bool
) -> Floats:
    level = float(10 ** dice.uniform(-2, 3))
    series: Floats = level * (1 + 0.05 * dice.standard_normal(rows))
    if kind is MetricKind.AVAILABILITY:
        series = 1.0 - 0.002 * dice.random(rows)
    hit = dice.random() < (0.8 if truth else 0.3)
    if hit and kind is MetricKind.AVAILABILITY:
        series[-faulty:] -= 0.3 * dice.random()
    elif hit:
        series[-faulty:] *= 1 + float(dice.exponential(2.0))
    how = dice.random()
    if how < 0.2 and kind is not MetricKind.AVAILABILITY:
        series = np.round(series / level)  # whole numbers, of which many are alike
    elif how < 0.4:
        series[dice.random(rows) < dice.uniform(0.1, 0.9)] = np.nan
    return series


def _alert(dice: np.random.Generator, columns: np.ndarray) -> Alerted | None:
    if dice.random() < 0.3:
        return None
    column = int(dice.integers(len(columns)))
    service, kind = int(columns[column, 0]), MetricKind(int(columns[column, 1]))
    return Alerted(service, kind, column if dice.random() < 0.7 else None)


def told(ranking: BlameRanking, digits: int = 6) -> dict[str, tuple[int, float]]:
    """Return place and score of those with a score; the last digits are those of sums."""
    known = {one.service: (one.place, round(one.score, digits)) for one in ranking.blamed}
    return {name: one for name, one in known.items() if one[1] > 0}


def same(one: BlameRanking, other: BlameRanking) -> str:
    """Return how two rankings differ; "" when they do not."""
    a, b = told(one), told(other)
    return "" if a == b else f"{a} became {b}"


def order(seed: int) -> str:
    """The order of columns and of services changes nothing."""
    seen, dice = drawn(seed), np.random.default_rng(seed)
    columns = dice.permutation(len(seen.table.service))
    services = dice.permutation(len(seen.services))
    moved = reordered(seen, columns, services)
    place = np.argsort(services)
    moved = replace(
        moved,
        inferred=frozenset(int(place[i]) for i in seen.inferred),
        changes=tuple((at, int(place[i])) for at, i in seen.changes),
    )
    return same(blame(seen), blame(moved))


def names(seed: int) -> str:
    """The names of services and metrics change nothing."""
    seen = drawn(seed)
    dice = np.random.default_rng(seed)
    other = [
        f"{word}-{'x' * int(dice.integers(9))}" for word in dice.permutation(len(seen.services))
    ]
    renamed = replace(seen, services=tuple(other), metrics=seen.metrics[::-1])
    back = dict(zip(other, seen.services, strict=True))
    made = blame(renamed)
    blamed = tuple(replace(one, service=back[one.service]) for one in made.blamed)
    return same(blame(seen), replace(made, blamed=blamed))


def unit(seed: int) -> str:
    """A unit changed for one kind of metric, everywhere, changes nothing."""
    seen, dice = drawn(seed), np.random.default_rng(seed)
    kind = MetricKind(int(dice.choice(seen.table.kind)))
    factor = PER_CENT if kind is MetricKind.AVAILABILITY else float(dice.choice(UNITS))
    return same(blame(seen), blame(scaled(seen, kind, factor)))


def time(seed: int) -> str:
    """A shift in time changes nothing."""
    seen = drawn(seed)
    by = float(np.random.default_rng(seed).integers(-(10**9), 10**9))
    table = replace(seen.table, at=seen.table.at + by)
    changes = tuple((at + by, service) for at, service in seen.changes)
    return same(
        blame(seen), blame(replace(seen, table=table, began=seen.began + by, changes=changes))
    )


def constant(seed: int) -> str:
    """A column that is the same all along changes nothing."""
    return _added(seed, lambda rows, dice: np.full(rows, 10 ** dice.uniform(-6, 6)))


def missing(seed: int) -> str:
    """A column without a sample changes nothing."""
    return _added(seed, lambda rows, _: np.full(rows, np.nan))


def infinite(seed: int) -> str:
    """A column of infinities changes nothing."""
    return _added(seed, lambda rows, dice: np.where(dice.random(rows) < 0.5, np.inf, -np.inf))


def single(seed: int) -> str:
    """A column with one sample changes nothing."""

    def column(rows: int, dice: np.random.Generator) -> Floats:
        made = np.full(rows, np.nan)
        made[int(dice.integers(rows))] = 10 ** dice.uniform(-6, 6)
        return made

    return _added(seed, column)


def _added(seed: int, column: Callable[[int, np.random.Generator], Floats]) -> str:
    seen, dice = drawn(seed), np.random.default_rng(seed)
    rows = len(seen.table.at)
    extra = [
        Extra(int(dice.integers(len(seen.services))), MetricKind(kind), column(rows, dice))
        for kind in MetricKind
    ]
    return same(blame(seen), blame(extended(seen, *extra)))


def duplicate(seed: int) -> str:
    """A column that is there twice changes nothing."""
    seen = drawn(seed)
    table = seen.table
    # Behind the others: which of two alike names is kept is the reader's to say.
    extra = [
        Extra(int(table.service[i]), MetricKind(int(table.kind[i])), table.values[i].copy())
        for i in range(len(table.service))
    ]
    return same(blame(seen), blame(extended(seen, *extra)))


def healthy(seed: int) -> str:
    """A healthy service that is added does not take the first place from the true one.

    Of a thousand at most one in a hundred may: by chance a healthy one looks ill.
    """
    seen, truth = system(seed)
    if blame(seen).blamed[0].service != truth:
        return ""  # nothing to displace
    dice, rows = np.random.default_rng((9, seed)), len(seen.table.at)
    values = 0.4 * (1 + 0.03 * dice.standard_normal((2, rows)))
    kinds = (MetricKind.LATENCY, MetricKind.CPU)
    more = [Extra(len(seen.services), k, row) for k, row in zip(kinds, values, strict=True)]
    calls = seen.calls
    if calls is not None:  # it calls, or is called by, a service of the chain
        near = int(dice.integers(len(seen.services)))
        added = (len(seen.services), near) if dice.random() < 0.5 else (near, len(seen.services))
        calls = calls | {added}
    grown = replace(seen, services=(*seen.services, "healthy"), calls=calls)
    first = blame(extended(grown, *more)).blamed[0].service
    return "" if first == truth else f"{first} stands before {truth}"


def bytes_again(seed: int) -> str:
    """The same input gives the same bytes."""
    seen = drawn(seed)
    return "" if repr(blame(seen)) == repr(blame(seen)) else "the second answer differs"


def any_input(seed: int) -> str:
    """No numbers raise, and what is made of them is a probability."""
    seen, dice = drawn(seed), np.random.default_rng(seed)
    values, at = seen.table.values.copy(), seen.table.at.copy()
    odd = dice.random(values.shape) < dice.uniform(0.0, 1.0)
    values[odd] = dice.choice(ODD, int(odd.sum()))
    strange = dice.random(at.shape) < dice.choice((0.0, 0.1, 0.9))
    at[strange] = dice.choice(ODD, int(strange.sum()))
    began = float(dice.choice((seen.began, 0.0, *ODD)))
    made = replace(seen, table=replace(seen.table, values=values, at=at), began=began)
    try:
        belief = probability(blame(made))
    except Exception as error:  # noqa: BLE001 -- whatever is raised is what this looks for
        return f"raised {error!r}"
    return "" if 0.0 <= belief <= 1.0 else f"believes {belief}"


def no_evidence(seed: int) -> str:
    """Where nothing moved nobody is blamed."""
    seen = drawn(seed)
    quiet = np.broadcast_to(seen.table.values[:, :1], seen.table.values.shape).copy()
    ranking = blame(replace(seen, table=replace(seen.table, values=quiet)))
    if ranking.evident or probability(ranking):
        return f"{ranking.blamed[0].service} is blamed"
    return ""


LAWS: Mapping[str, Law] = {
    "order of columns and services": order,
    "names": names,
    "unit of one kind of metric": unit,
    "shift in time": time,
    "constant column": constant,
    "missing column": missing,
    "infinite column": infinite,
    "column of one sample": single,
    "duplicate column": duplicate,
    "same input, same bytes": bytes_again,
    "no input raises": any_input,
    "no evidence, nobody named": no_evidence,
}
HEALTHY = "added healthy service displaces the first"
