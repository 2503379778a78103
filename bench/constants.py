"""What do the constants do? Figures with half and with double of each.

python -m bench constants --cases DIR          of blame: AC@1 on public incidents
python -m bench constants --shop 10 [--seed 1]  of the joined ranking: right services of the shop

Of one fault in the shop it counts that its service stands first with a mechanism, of two that both
stand among the first two. Each shop is lived through once; its last look is ranked anew.
A choice whose half or double costs much was fitted, or is right: the table says which to distrust.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aiops_agent.domain.errors import UsageError
from aiops_agent.evaluation.goals import Goal
from aiops_agent.evaluation.rca import place
from aiops_agent.evaluation.rca_cases import LabelledCase, cases, data_sets
from aiops_agent.reasoning import blame as blaming
from aiops_agent.reasoning import evidence, explain, own_evidence, rank
from aiops_agent.reasoning.blame import blame
from bench.constants_shop import LastLook, last_looks

ROOM = "aiops_agent.reasoning"
TIMES = (0.5, 2.0)


@dataclass(frozen=True)
class Constant:
    """A constant of the engine, and how it is counted."""

    module: object
    name: str
    words: str
    kind: str = "plain"  # or "log1p": given as its logarithm; "above one": its excess counts

    @property
    def value(self) -> float:
        """Its present value."""
        found: float = getattr(self.module, self.name)
        return found

    def times(self, factor: float) -> float:
        """Return the value that so many times as much of it has."""
        if self.kind == "log1p":
            return float(np.log1p(factor * np.expm1(self.value)))
        if self.kind == "above one":
            return 1.0 + factor * (self.value - 1.0)
        return factor * self.value


CONSTANTS = (
    Constant(evidence, "FLOOR_OWN", "floor of the own level"),
    Constant(evidence, "FLOOR_PEERS", "floor of peers"),
    Constant(evidence, "TAILS", "widths of the tails"),
    Constant(evidence, "GATE", "gate", "log1p"),
    Constant(evidence, "AS_GOOD", "another start is as good", "above one"),
    Constant(own_evidence, "OTHER_SYMPTOM", "another symptom than the alert's"),
    Constant(own_evidence, "BOTH", "both kinds of evidence"),
    Constant(own_evidence, "PAID_BY_TRAFFIC", "CPU that traffic pays for"),
    Constant(explain, "ALIKE", "callees slowed alike", "above one"),
    Constant(blaming, "DIFFERENT", "lost or failing work"),
    Constant(blaming, "SLOWER", "added time"),
    Constant(blaming, "BESIDE_SPANS", "symptoms beside spans"),
    Constant(blaming, "COVERAGE", "coverage of the symptoms"),
    Constant(blaming, "INFERRED", "ends known from callers"),
    Constant(blaming, "TOGETHER", "moving as the alert does"),
    Constant(blaming, "UNREACHED", "off the alert's path"),
)


# Of the joined ranking.
JOINED = (
    Constant(rank, "UNLIKELY", "least score that names a mechanism"),
    Constant(rank, "CONTRADICTION", "what a contradiction leaves"),
    Constant(rank, "UNSEEN_PART", "part of having seen everything"),
    Constant(rank, "SPECIFIC", "score of a specific mechanism"),
    Constant(rank, "LEFT_OVER", "hang beside a specific mechanism"),
    Constant(rank, "STRANGER", "another's cause beside its own"),
    Constant(rank, "BESIDE", "second: blame"),
    Constant(rank, "OWN", "second: pain of its own"),
    Constant(rank, "FAINT", "second: explained by the first"),
    Constant(rank, "UNSIGNED", "second: without a sign"),
    Constant(rank, "MEANWHILE", "second: changed since the beginning"),
)
APART = 10_000  # shop seeds of one --seed, as bench/diagnosis.py has them


def main(arguments: list[str]) -> int:
    """Print a row for each constant and factor; those that matter most on stderr."""
    parser = argparse.ArgumentParser(prog="bench constants", description="Sensitivity.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--cases", type=Path, help="a data set or a folder of sets")
    what.add_argument("--shop", type=int, metavar="SEEDS", help="shops of each scenario")
    parser.add_argument("--seed", type=int, default=1, help="which shops")
    asked = parser.parse_args(arguments)
    if asked.shop:
        first = asked.seed * APART
        looks = last_looks(range(first, first + asked.shop))
        counts = {name: len(these) for name, these in looks.items()}
        return _measured(JOINED, counts, lambda name: _stood(looks[name]))
    try:
        sets, _ = data_sets(asked.cases)
        known = [case for folder in sets for case in cases(folder)]
    except UsageError as error:
        print(f"bench constants: {error}", file=sys.stderr)
        return 2
    return _measured(CONSTANTS, {"AC@1": len(known)}, lambda _: right(known))


def _measured(
    constants: Sequence[Constant], counts: Mapping[str, int], figure: Callable[[str], float]
) -> int:
    """Print the rows of each figure that is counted over so many, and its table."""
    for name, count in counts.items():
        usual = figure(name)
        rows, moved = [Goal(f"{name}, as it is", count, usual)], []
        for one in constants:
            found = []
            for factor in TIMES:
                with changed(one, one.times(factor)):
                    found.append(figure(name))
                rows.append(Goal(f"{name}, {one.words} x {factor:g}", count, found[-1]))
            moved.append((max(abs(each - usual) for each in found), one.words, found))
        print("\n".join(row.json() for row in rows))
        told = sorted(moved, key=lambda each: -each[0])
        print("\n".join((f"{name}, n = {count}", *table(told, usual))), file=sys.stderr)
    return 0


def _stood(looks: Sequence[LastLook]) -> float:
    return sum(one.right for one in looks) / max(len(looks), 1)


def table(told: Sequence[tuple[float, str, list[float]]], usual: float) -> Iterator[str]:
    """Yield the table, those that matter most first."""
    yield "| constant | half | as it is | double |\n|---|---|---|---|"
    for _, words, (half, double) in told:
        yield f"| {words} | {half:.3f} | {usual:.3f} | {double:.3f} |"


def right(known: Sequence[LabelledCase]) -> float:
    """Return the share of cases whose truth stands first, alone."""
    return sum(place(blame(case.seen), case.truth) == 1 for case in known) / max(len(known), 1)


@contextmanager
def changed(one: Constant, value: float) -> Iterator[None]:
    """Give a constant another value, wherever it is known, until the end of the block."""
    before = one.value
    modules = [m for name, m in sorted(sys.modules.items()) if name.startswith(ROOM)]
    holders = [module for module in modules if getattr(module, one.name, None) == before]
    try:
        for module in holders:
            setattr(module, one.name, value)
        yield
    finally:
        for module in holders:
            setattr(module, one.name, before)
