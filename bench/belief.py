"""Can belief be believed on a system that it was not fitted on? Each data set left out in turn.

python -m bench belief --cases DIR [--seed N]

The public incidents and degraded copies of them; the same two figures as the engine's belief,
fitted anew on all sets but one, are judged on that one. Also the engine's own belief as it is.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aiops_agent.domain.errors import UsageError
from aiops_agent.evaluation.goals import Goal
from aiops_agent.evaluation.rca import auroc, place
from aiops_agent.evaluation.rca_cases import cases, data_sets
from aiops_agent.reasoning.belief import probability
from aiops_agent.reasoning.blame import BlameRanking, blame
from aiops_agent.reasoning.observations import Floats, Observations

LATE = 0.5  # of the length of the incident
LOST = (1 / 3, 1 / 3, 2 / 3, 2 / 3)  # of the columns, each time others
RIDGE = 1e-3  # keeps the fit finite where a set has no wrong case
STEPS = 30  # Newton's method is at rest after ten


@dataclass(frozen=True)
class Point:
    """One copy of one case: the figures that belief rests on, what it says, and what is so."""

    dataset: str
    strength: float
    part: float
    belief: float
    right: float


def copies(seen: Observations, seed: int) -> Iterator[Observations]:
    """Yield the case as it is and with parts of it away."""
    yield seen
    yield replace(seen, calls=None)
    yield replace(seen, alert=None)
    yield replace(seen, usual=None, faulty=None)
    yield replace(seen, calls=None, alert=None, usual=None, faulty=None)
    at = seen.table.at
    yield replace(seen, began=seen.began + LATE * max(float(at[-1]) - seen.began, 0.0))
    for number, share in enumerate(LOST):
        yield without_columns(seen, np.random.default_rng((seed, number)), share)


def without_columns(seen: Observations, dice: np.random.Generator, share: float) -> Observations:
    """Return the same without a share of the columns; what alerts stays."""
    table = seen.table
    kept = dice.random(len(table.service)) >= share
    alert = seen.alert
    if alert is not None and alert.column is not None:
        kept[alert.column] = True
        alert = replace(alert, column=int(np.count_nonzero(kept[: alert.column])))
    less = replace(
        table,
        values=table.values[kept],
        service=table.service[kept],
        metric=table.metric[kept],
        kind=table.kind[kept],
        percent=table.percent[kept],
        outbound=table.outbound[kept],
    )
    return replace(seen, table=less, alert=alert)


def point(dataset: str, ranking: BlameRanking, truth: str) -> Point:
    """Return what a ranking shows of itself; without evidence nothing."""
    right = float(place(ranking, truth) == 1)
    if not ranking.evident:
        return Point(dataset, 0.0, 0.0, 0.0, right)
    scores = [one.score for one in ranking.blamed]
    strength, part = float(np.log1p(scores[0])), scores[0] / sum(scores)
    return Point(dataset, strength, part, probability(ranking), right)


def main(arguments: list[str]) -> int:
    """Print the rows; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="bench belief", description="One system left out.")
    parser.add_argument("--cases", type=Path, required=True, help="a folder of data sets")
    parser.add_argument("--seed", type=int, default=1, help="which columns are away")
    asked = parser.parse_args(arguments)
    try:
        sets, _ = data_sets(asked.cases)
        points = [
            point(folder.name, blame(copy), case.truth)
            for folder in sets
            for case in cases(folder)
            for copy in copies(case.seen, asked.seed)
        ]
    except UsageError as error:
        print(f"bench belief: {error}", file=sys.stderr)
        return 2
    goals = list(rows(points))
    print("\n".join(goal.json() for goal in goals))
    return 0 if all(goal.met for goal in goals) else 1


def rows(points: Sequence[Point]) -> Iterator[Goal]:
    """Yield how well belief tells right from wrong, by the set left out and pooled."""
    said: list[Floats] = []
    so: list[Floats] = []
    for name in dict.fromkeys(one.dataset for one in points):
        own = [one for one in points if one.dataset == name]
        others = [one for one in points if one.dataset != name]
        if not others:
            continue
        belief = logistic(figures(own) @ fitted(figures(others), truth(others)))
        said.append(belief)
        so.append(truth(own))
        yield from _judged(f"left out: {name}", belief, truth(own), "")
    if said:
        yield from _judged("each left out", np.concatenate(said), np.concatenate(so), ">= 0.8")
    belief = np.array([one.belief for one in points])
    yield from _judged("as the engine has it", belief, truth(points), "")


def _judged(what: str, belief: Floats, right: Floats, goal: str) -> Iterator[Goal]:
    mean = float(right.mean())
    yield Goal(f"AUROC, {what}", len(right), auroc(belief, right), goal)
    yield Goal(f"Brier, {what}", len(right), float(((belief - right) ** 2).mean()))
    yield Goal(f"Brier of always the mean, {what}", len(right), mean * (1.0 - mean))


def figures(points: Sequence[Point]) -> Floats:
    """Return one, strength and part of each, a row each."""
    return np.array([(1.0, one.strength, one.part) for one in points])


def truth(points: Sequence[Point]) -> Floats:
    """Return 1 for those that are right."""
    return np.array([one.right for one in points])


def logistic(x: Floats) -> Floats:
    """Return 1 / (1 + e^-x)."""
    made: Floats = 1.0 / (1.0 + np.exp(-np.clip(x, -60.0, 60.0)))
    return made


def fitted(rows: Floats, right: Floats) -> Floats:
    """Return the weights of a logistic regression, by Newton's method."""
    weights: Floats = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        p = logistic(rows @ weights)
        slope = rows.T @ (right - p) - RIDGE * weights
        bend = (rows * (p * (1.0 - p))[:, None]).T @ rows + RIDGE * np.eye(rows.shape[1])
        weights = weights + np.linalg.solve(bend, slope)
    return weights
