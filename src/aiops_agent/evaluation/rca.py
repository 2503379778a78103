"""How often does the engine name the right service, on public incidents with known causes?

AC@k: share of cases whose true service is among the first k; a tie counts by its worst place.
Avg@5: the mean of AC@1..AC@5, as the field writes it (RCAEval, BARO).
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.value import Document, Json
from aiops_agent.evaluation.rca_cases import SUFFIX, LabelledCase, cases, data_sets
from aiops_agent.reasoning.belief import NAMED, probability
from aiops_agent.reasoning.blame import BlameRanking, blame

Floats: TypeAlias = npt.NDArray[np.float64]
POOLED = "all"
RESAMPLES = 2000  # enough that a bound's second digit stays
BINS = 5  # of belief: with a hundred cases more would be empty
FIRST = (1, 3, 5)  # the k that the field reports


@dataclass(frozen=True)
class RcaResult:
    """How one case came out. `place` of the truth is infinite when it was not ranked."""

    dataset: str
    case: str
    kind: str
    place: float
    belief: float  # 0..1, of the first one
    cpu_ms: float
    first: str

    @property
    def right(self) -> bool:
        """Whether the truth stands first, alone."""
        return self.place == 1

    @property
    def named(self) -> bool:
        """Whether a service is named; else the engine says that it does not know."""
        return self.belief >= NAMED


@dataclass(frozen=True)
class Bin:
    """Cases whose belief lies between two bounds: what was believed, and what was so."""

    low: float
    high: float
    n: int
    believed: float
    right: float


@dataclass(frozen=True)
class Calibration:
    """Whether belief can be believed. `constant` is the Brier score of always saying the mean."""

    brier: float
    constant: float
    ece: float  # expected calibration error: the mean distance of belief and truth over bins
    auroc: float  # how well belief tells right from wrong; not a number when all are alike
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class RcaReport:
    """All results, by data set in the order read; `skipped` folders have no answers."""

    results: tuple[RcaResult, ...]
    skipped: tuple[str, ...]

    @property
    def by_dataset(self) -> Iterator[tuple[str, tuple[RcaResult, ...]]]:
        """Each data set with its results."""
        for name in dict.fromkeys(one.dataset for one in self.results):
            yield name, tuple(one for one in self.results if one.dataset == name)


def benchmark(folder: Path, seen: Callable[[str], None]) -> RcaReport:
    """Run the engine over one data set or a folder of sets; `seen` is told each set's name.

    Raises UsageError when there is nothing to grade or a case cannot be read.
    """
    known, without = data_sets(folder)
    results: list[RcaResult] = []
    for one in known:
        results += [judged(one.resolve().name, case) for case in cases(one)]
        seen(one.resolve().name)
    if not results:
        raise UsageError(f"{folder} holds answers but no case of theirs: give {SUFFIX} files.")
    return RcaReport(tuple(results), tuple(one.name for one in without))


def judged(dataset: str, case: LabelledCase) -> RcaResult:
    """Run one case; reading the file is not counted as CPU time, working out lines and spans is."""
    start = time.process_time()
    ranking = blame(case.seen)
    spent = (time.process_time() - start) * 1000.0
    return RcaResult(
        dataset=dataset,
        case=case.id,
        kind=case.kind,
        place=place(ranking, case.truth),
        belief=probability(ranking),
        cpu_ms=spent,
        first=ranking.blamed[0].service if ranking.evident else "",
    )


def place(ranking: BlameRanking, truth: str) -> float:
    """Return the place of the truth, the worst of its tie; infinite when it is not ranked."""
    own = next((one.place for one in ranking.blamed if one.service == truth), None)
    if own is None:
        return math.inf
    return own + sum(one.place == own for one in ranking.blamed) - 1


def within(results: Sequence[RcaResult], k: int) -> float:
    """Return AC@k."""
    return sum(one.place <= k for one in results) / len(results)


def avg5(results: Sequence[RcaResult]) -> float:
    """Return Avg@5."""
    return sum(within(results, k) for k in range(1, 6)) / 5


def named_right(results: Sequence[RcaResult]) -> float:
    """Return the share of all cases in which a service is named and it is the right one."""
    return sum(one.named and one.right for one in results) / len(results)


def abstained(results: Sequence[RcaResult]) -> float:
    """Return the share of cases in which no service is named."""
    return sum(not one.named for one in results) / len(results)


def calibration(results: Sequence[RcaResult]) -> Calibration:
    """Return how far belief can be believed."""
    belief = np.array([one.belief for one in results])
    right = np.array([float(one.right) for one in results])
    bins = []
    for low in np.arange(BINS) / BINS:
        high = low + 1 / BINS
        inside = (belief >= low) & ((belief < high) | ((high > 1 - 1e-9) & (belief <= 1)))
        if inside.any():
            means = float(belief[inside].mean()), float(right[inside].mean())
            bins.append(Bin(float(low), float(high), int(inside.sum()), *means))
    mean = float(right.mean())
    return Calibration(
        brier=float(((belief - right) ** 2).mean()),
        constant=mean * (1 - mean),
        ece=sum(one.n * abs(one.believed - one.right) for one in bins) / len(results),
        auroc=auroc(belief, right),
        bins=tuple(bins),
    )


def auroc(belief: Floats, right: Floats) -> float:
    """Return the chance that a right case has the higher belief, ties half; NaN of one kind."""
    good, bad = belief[right > 0], belief[right <= 0]
    if not len(good) or not len(bad):
        return math.nan
    above = (good[:, None] > bad[None, :]).mean()
    return float(above + 0.5 * (good[:, None] == bad[None, :]).mean())


def interval(flags: Sequence[bool]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a share; the same for the same cases."""
    values = np.array(flags, dtype=np.float64)
    dice = np.random.default_rng(1)
    means = values[dice.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def figures(name: str, results: Sequence[RcaResult]) -> Document:
    """Return the figures of one data set, for programs."""
    made: Document = {"dataset": name, "n": len(results)}
    made |= {f"ac{k}": round(within(results, k), 4) for k in FIRST}
    made |= {
        "avg5": round(avg5(results), 4),
        "named": round(named_right(results), 4),
        "abstained": round(abstained(results), 4),
        "cpu_ms": round(sum(one.cpu_ms for one in results) / len(results), 2),
    }
    return made


def as_json(report: RcaReport) -> Document:
    """Return everything, for programs: data sets, all together, calibration, what was skipped."""
    told = calibration(report.results)
    bins: list[Json] = [
        {
            "from": round(one.low, 2),
            "to": round(one.high, 2),
            "n": one.n,
            "believed": round(one.believed, 3),
            "right": round(one.right, 3),
        }
        for one in told.bins
    ]
    intervals: Document = {
        name: [round(bound, 3) for bound in interval([one.right for one in results])]
        for name, results in (*report.by_dataset, (POOLED, report.results))
    }
    return {
        "datasets": [figures(name, results) for name, results in report.by_dataset],
        "pooled": figures(POOLED, report.results),
        "ac1_interval": intervals,
        "calibration": {
            "brier": round(told.brier, 4),
            "brier_constant": round(told.constant, 4),
            "ece": round(told.ece, 4),
            "auroc": None if math.isnan(told.auroc) else round(told.auroc, 4),
            "reliability": bins,
        },
        "skipped": list(report.skipped),
        "wrong": [
            {"case": one.case, "place": None if math.isinf(one.place) else int(one.place)}
            for one in report.results
            if not one.right
        ],
    }


def as_text(report: RcaReport) -> str:
    """Return the tables as Markdown, and the cases that went wrong."""
    rows = [
        "| data set | n | AC@1 (95 %) | AC@3 | AC@5 | Avg@5 | named right | abstained | CPU ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    sets = tuple(report.by_dataset)
    for name, results in (*sets, *(((POOLED, report.results),) if len(sets) > 1 else ())):
        low, high = interval([one.right for one in results])
        cells = [name, str(len(results)), f"{within(results, 1):.3f} ({low:.2f}-{high:.2f})"]
        cells += [f"{within(results, k):.3f}" for k in FIRST[1:]]
        cells += [f"{avg5(results):.3f}", f"{named_right(results):.3f}"]
        spent = sum(one.cpu_ms for one in results) / len(results)
        cells += [f"{abstained(results):.3f}", f"{spent:.1f}"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([*rows, "", *_reliability(report), "", *_wrong(report)])


def _reliability(report: RcaReport) -> Iterator[str]:
    told = calibration(report.results)
    yield "| belief | n | believed | right |"
    yield "|---|---|---|---|"
    for one in told.bins:
        bounds = f"{one.low:.1f}-{one.high:.1f}"
        yield f"| {bounds} | {one.n} | {one.believed:.2f} | {one.right:.2f} |"
    yield ""
    yield (
        f"Brier {told.brier:.3f} (always the mean: {told.constant:.3f}), ECE {told.ece:.3f},"
        f" AUROC {told.auroc:.3f}."
    )


def _wrong(report: RcaReport) -> Iterator[str]:
    for one in report.results:
        if not one.right:
            where = "not ranked" if math.isinf(one.place) else f"at place {one.place:.0f}"
            first = f"first is {one.first}" if one.first else "nothing moved"
            sure = f"belief {one.belief:.2f}" if one.named else "and none is named"
            yield f"- {one.case} ({one.kind}): the truth is {where}; {first}, {sure}"
    for name in report.skipped:
        yield f"- {name}: skipped, it holds no truth.json"
