"""Ours beside BARO and N-Sigma on public incidents, under the same conditions, and how fast.

python -m bench rca --cases DIR [--seed N] [--prototype FOLDER] [--no-speed]

The peers come from their authors' package in an environment under build/, which the first run
makes; they never are dependencies of ours. A table for people is printed on stderr.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aiops_agent.domain.errors import UsageError
from aiops_agent.evaluation.goals import Goal
from aiops_agent.evaluation.rca import RESAMPLES, RcaResult, avg5, judged, named_right, within
from aiops_agent.evaluation.rca_cases import LabelledCase, cases, data_sets
from aiops_agent.reasoning.observations import Observations
from bench import rca_speed
from bench.peers import PeerRanking, Peers, prototype, python, running

OURS, BARO, PROTOTYPE = "ours", "BARO", "prototype"
EVERYTHING, NO_GRAPH, BARE = "everything", "no graph, no alert", "metrics alone"
POOLED = "all"
LOWER = 0.025  # of the resampled leads: the bound of a 95 % interval
NAMED_WITHIN = 0.05  # of AC@1: naming nobody must not pass for caution


@dataclass(frozen=True)
class Judged:
    """One case by one method; `right` is what the paired comparison rests on."""

    method: str
    seen: str
    result: RcaResult


def without(seen: Observations, what: str) -> Observations:
    """Return what there would be to see without some of its sources."""
    if what == EVERYTHING:
        return seen
    alone = replace(seen, calls=None, alert=None)
    if what == NO_GRAPH:
        return alone
    return replace(alone, usual=None, faulty=None, changes=(), placement={})


def main(arguments: list[str]) -> int:
    """Print the rows; 1 when a goal is missed, 2 when there is nothing to measure."""
    parser = argparse.ArgumentParser(prog="bench rca", description="Ours beside the peers.")
    parser.add_argument("--cases", type=Path, required=True, help="a data set or a folder of sets")
    parser.add_argument("--seed", type=int, default=1, help="of the resampling and of the tables")
    parser.add_argument("--prototype", type=Path, help="a folder with engine.py and cases_io.py")
    parser.add_argument("--no-speed", action="store_true", help="leave the speed rows out")
    asked = parser.parse_args(arguments)
    try:
        known, _ = data_sets(asked.cases)
        with running(python()) as peers:
            found = [one for folder in known for one in of_set(folder, peers)]
            if asked.prototype:
                found += of_prototype(asked.prototype, asked.cases, found)
            tell(found)  # the speed rows take minutes more
            goals = list(rows(found, asked.seed))
            print("\n".join(goal.json() for goal in goals), flush=True)
            for goal in () if asked.no_speed else rca_speed.rows(peers, asked.seed):
                print(goal.json(), flush=True)
                goals.append(goal)
    except UsageError as error:
        print(f"bench rca: {error}", file=sys.stderr)
        return 2
    return 0 if all(goal.met for goal in goals) else 1


def of_set(folder: Path, peers: Peers) -> Iterator[Judged]:
    """Run every case of a data set by ours, in each condition, and by the peers."""
    name = folder.resolve().name
    for case in cases(folder):
        for seen in (EVERYTHING, NO_GRAPH, BARE):
            given = replace(case, seen=without(case.seen, seen))
            yield Judged(OURS, seen, judged(name, given))
        for method, ranking in peers.ranked(case.seen).items():
            yield Judged(method, BARE, of_peer(name, case, ranking))


def of_peer(dataset: str, case: LabelledCase, ranking: PeerRanking) -> RcaResult:
    """Return a peer's ranking as a result; peers always name somebody."""
    services = case.seen.services
    number = services.index(case.truth) if case.truth in services else -1
    first = services[ranking.services[0]] if ranking.services else ""
    return RcaResult(dataset, case.id, case.kind, ranking.place(number), 1.0, ranking.cpu_ms, first)


def of_prototype(folder: Path, sets: Path, ours: Sequence[Judged]) -> Iterator[Judged]:
    """Run the code of another folder over the same cases."""
    known = {one.result.case: one.result for one in ours if one.method == OURS}
    for told in prototype(folder, sets):
        if told["case"] in known:
            changed = {"place": told["place"], "cpu_ms": told["cpu_ms"], "belief": 1.0, "first": ""}
            yield Judged(PROTOTYPE, told["seen"], replace(known[told["case"]], **changed))


def grouped(found: Sequence[Judged]) -> dict[tuple[str, str], dict[str, list[RcaResult]]]:
    """Return results by (method, what was seen), and in that by data set and pooled."""
    made: dict[tuple[str, str], dict[str, list[RcaResult]]] = {}
    for one in found:
        sets = made.setdefault((one.method, one.seen), {})
        for name in (one.result.dataset, POOLED):
            sets.setdefault(name, []).append(one.result)
    return made


def rows(found: Sequence[Judged], seed: int) -> Iterator[Goal]:
    """Yield the figures of everybody, and what is promised of ours."""
    by = grouped(found)
    measures: dict[str, Callable[[Sequence[RcaResult]], float]] = {
        "AC@1": lambda r: within(r, 1),
        "AC@3": lambda r: within(r, 3),
        "AC@5": lambda r: within(r, 5),
        "Avg@5": avg5,
        "CPU ms": cpu,
    }
    for (method, seen), sets in by.items():
        for name, results in sets.items():
            for what, measure in measures.items():
                yield Goal(f"{what}, {name}, {method} ({seen})", len(results), measure(results))
    yield from _promised(by, seed)


def _promised(
    by: Mapping[tuple[str, str], Mapping[str, Sequence[RcaResult]]], seed: int
) -> Iterator[Goal]:
    baro = by[BARO, BARE][POOLED]
    for seen in (EVERYTHING, NO_GRAPH, BARE):
        own = by[OURS, seen][POOLED]
        low, lead = bound(own, baro, seed)
        yield Goal(f"pooled lead over BARO ({seen})", len(own), lead)
        yield Goal(f"pooled lead over BARO, lower bound ({seen})", len(own), low, "> 0")
    for name, results in by[OURS, EVERYTHING].items():
        gap = within(results, 1) - named_right(results)
        yield Goal(f"named right less than AC@1 by, {name}", len(results), gap,
                   f"<= {NAMED_WITHIN}")  # fmt: skip
    for name, results in by.get((PROTOTYPE, EVERYTHING), {}).items():
        own = by[OURS, EVERYTHING][name]
        for k in (1, 3):
            least = f">= {within(results, k):.4f}"
            yield Goal(f"AC@{k} not below the prototype, {name}", len(own), within(own, k), least)
        ratio = cpu(own) / cpu(results)
        yield Goal(f"CPU in that of the prototype, {name}", len(own), ratio, "<= 1.1")


def bound(own: Sequence[RcaResult], other: Sequence[RcaResult], seed: int) -> tuple[float, float]:
    """Return the lower bound of the lead in AC@1 by a paired bootstrap over cases, and the lead."""
    theirs = {(one.dataset, one.case): one.right for one in other}
    lead = np.array([one.right - theirs[one.dataset, one.case] for one in own], dtype=np.float64)
    dice = np.random.default_rng(seed)
    means = lead[dice.integers(0, len(lead), (RESAMPLES, len(lead)))].mean(axis=1)
    return float(np.quantile(means, LOWER)), float(lead.mean())


def cpu(results: Sequence[RcaResult]) -> float:
    """Return the mean milliseconds of CPU."""
    return sum(one.cpu_ms for one in results) / len(results)


def tell(found: Sequence[Judged]) -> None:
    """Print a table for people, and the cases that ours has wrong with everything to see."""
    began = time.strftime("%Y-%m-%d")
    print(f"measured {began}\n\n| data set | n | method | AC@1 | AC@3 | AC@5 | Avg@5 | CPU ms |\n"
          "|---|---|---|---|---|---|---|---|", file=sys.stderr)  # fmt: skip
    by = grouped(found)
    for name in dict.fromkeys(name for sets in by.values() for name in sets):
        for (method, seen), sets in by.items():
            if results := sets.get(name):
                cells = [f"{within(results, k):.3f}" for k in (1, 3, 5)]
                cells += [f"{avg5(results):.3f}", f"{cpu(results):.1f}"]
                told = f"{method}, {seen}"
                print(f"| {name} | {len(results)} | {told} | {' | '.join(cells)} |",
                      file=sys.stderr)  # fmt: skip
    for one in found:
        if one.method == OURS and one.seen == EVERYTHING and not one.result.right:
            where = one.result.place
            place = "not ranked" if math.isinf(where) else f"at place {where:.0f}"
            print(f"missed: {one.result.case}: the truth is {place}", file=sys.stderr)
