"""Public incidents as files: one gzipped JSON file a case, the answers apart in `truth.json`.

The format is that of the project's shared data: `columns` [[service, metric], ...], `time`,
`values` by column (null: missing), `t_fault`, and where there are any `target` [service, metric],
`graph` {caller: [callee, ...]}, `spans` and `logs` {base, fault}, `changes` [[time, service, ...]],
`placement` {service: machine or [machines]}.
"""

import gzip
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from aiops_agent.domain.errors import UsageError
from aiops_agent.reasoning.metric_kinds import is_inferred, is_outbound, is_percent, kind_of
from aiops_agent.reasoning.observations import (
    Alerted,
    LogRecord,
    MetricTable,
    Observations,
    Requests,
)

TRUTH = "truth.json"
SUFFIX = ".json.gz"


@dataclass(frozen=True)
class LabelledCase:
    """One incident of a data set; `truth` is the service that was to blame."""

    id: str
    truth: str
    kind: str
    seen: Observations


def data_sets(folder: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the folders that hold answers, `folder` itself or those in it, and the others.

    Raises UsageError when none does.
    """
    if (folder / TRUTH).is_file():
        return (folder,), ()
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}: give one that holds cases and {TRUTH}.")
    below = sorted(one for one in folder.iterdir() if one.is_dir())
    known = tuple(one for one in below if (one / TRUTH).is_file())
    if not known:
        raise UsageError(f"No folder in {folder} has a {TRUTH}: without answers nothing is graded.")
    return known, tuple(one for one in below if one not in known)


def cases(folder: Path) -> Iterator[LabelledCase]:
    """Read the cases of one data set that have an answer; raises UsageError for a broken file."""
    truth = _truth(folder / TRUTH)
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        case = _read(path)
        answer = truth.get(case.get("id", ""))
        if answer is None:
            continue
        try:
            seen = observations(case, folder)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            told = f"{path.name} is not a case that can be read ({error!r}): see the format."
            raise UsageError(told) from error
        yield LabelledCase(case["id"], answer["service"], answer.get("kind", ""), seen)


def observations(case: Mapping[str, Any], folder: Path) -> Observations:
    """Return a case as arrays; what is common to several cases is read from `folder`."""
    columns = [(str(service), str(metric)) for service, metric in case["columns"]]
    spans, logs = (_phases(case.get(what), folder, what) for what in ("spans", "logs"))
    services = _Numbers(service for service, _ in columns)
    if spans:
        for one in spans:
            services.add(one["services"])
    metrics = _Numbers(metric for _, metric in columns)
    operations = _Numbers(name for one in spans or () for name in one["operations"])
    requests: list[Requests | None] = [None, None]
    if spans:
        lines = logs or (None, None)
        requests = [
            _requests(one, its, services, operations) for one, its in zip(spans, lines, strict=True)
        ]
    return Observations(
        services=tuple(services.number),
        metrics=tuple(metrics.number),
        table=_table(case, columns, services, metrics),
        began=float(case["t_fault"]),
        alert=_alerted(case.get("target"), columns, services),
        calls=_calls(case.get("graph"), services),
        inferred=frozenset(i for name, i in services.number.items() if is_inferred(name)),
        operations=tuple(operations.number),
        usual=requests[0],
        faulty=requests[1],
        changes=tuple(
            (float(one[0]), services.of(one[1]))
            for one in case.get("changes") or ()
            if one[1] in services.number
        ),
        placement=_placement(case.get("placement") or {}, services),
    )


def _alerted(
    target: Sequence[str] | None, columns: Sequence[tuple[str, str]], services: "_Numbers"
) -> Alerted | None:
    if not target or (target[0], target[1]) not in columns:
        return None
    column = columns.index((target[0], target[1]))
    return Alerted(services.of(target[0]), kind_of(target[1]), column)


def _calls(
    graph: Mapping[str, Sequence[str]] | None, services: "_Numbers"
) -> frozenset[tuple[int, int]] | None:
    """Return the calls between services that are measured or traced; the others only pass on."""
    pairs = ((a, b) for a, callees in (graph or {}).items() for b in callees)
    known = frozenset(
        (services.of(a), services.of(b))
        for a, b in pairs
        if a in services.number and b in services.number
    )
    return known or None


class _Numbers:
    """Gives each name a number, the first one 0."""

    def __init__(self, names: Iterable[str]) -> None:
        self.number: dict[str, int] = {}
        self.add(names)

    def add(self, names: Iterable[str]) -> None:
        for name in names:
            self.number.setdefault(name, len(self.number))

    def of(self, name: str) -> int:
        return self.number[name]


def _table(
    case: Mapping[str, Any],
    columns: Sequence[tuple[str, str]],
    services: _Numbers,
    metrics: _Numbers,
) -> MetricTable:
    values = [[math.nan if one is None else one for one in column] for column in case["values"]]
    names = [metric for _, metric in columns]
    return MetricTable(
        at=np.array(case["time"], dtype=np.float64),
        values=np.array(values, dtype=np.float64).reshape(len(columns), -1),
        service=np.array([services.of(service) for service, _ in columns], dtype=np.int64),
        metric=np.array([metrics.of(name) for name in names], dtype=np.int64),
        kind=np.array([kind_of(name) for name in names], dtype=np.int64),
        percent=np.array([is_percent(name) for name in names], dtype=np.bool_),
        outbound=np.array([is_outbound(name) for name in names], dtype=np.bool_),
    )


def _requests(
    spans: Mapping[str, Any],
    lines: Mapping[str, Any] | None,
    services: _Numbers,
    operations: _Numbers,
) -> Requests:
    service = np.array([services.of(name) for name in spans["services"]], dtype=np.int64)
    operation = np.array([operations.of(name) for name in spans["operations"]], dtype=np.int64)
    records = []
    if lines:
        # A service that writes lines and is neither measured nor traced cannot be ranked.
        known = [services.number.get(name) for name in lines["services"]]
        records = [
            LogRecord(number, int(span), str(text))
            for index, span, text in lines["lines"]
            if (number := known[index]) is not None
        ]
    return Requests(
        service=service[np.array(spans["service"], dtype=np.int64)],
        operation=operation[np.array(spans["operation"], dtype=np.int64)],
        parent=np.array(spans["parent"], dtype=np.int64),
        start_ms=np.array(spans["start_us"], dtype=np.float64) / 1000.0,
        length_ms=np.array(spans["dur_us"], dtype=np.float64) / 1000.0,
        lines=tuple(records),
    )


def _phases(
    kept: Mapping[str, Any] | None, folder: Path, what: str
) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Return the usual and the faulty part; a text in place of one names a shared file."""
    if not kept:
        return None
    found = []
    for part in (kept.get("base"), kept.get("fault")):
        shared = _shared(str(folder / f"{part}{SUFFIX}"))[what] if isinstance(part, str) else part
        found.append(shared)
    return (found[0], found[1]) if found[0] and found[1] else None


def _placement(placement: Mapping[str, Any], services: _Numbers) -> dict[int, tuple[str, ...]]:
    found = {}
    for name, machines in placement.items():
        if name in services.number:
            several = (machines,) if isinstance(machines, str) else tuple(map(str, machines))
            found[services.of(name)] = several
    return found


@lru_cache(maxsize=4)
def _shared(path: str) -> Mapping[str, Any]:
    return _read(Path(path))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} cannot be read as gzipped JSON: {error}.") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path} must hold one JSON object.")
    return found


def _truth(path: Path) -> Mapping[str, Mapping[str, str]]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as JSON: {error}.") from error
    return {key: one for key, one in found.items() if isinstance(one, dict) and "service" in one}
