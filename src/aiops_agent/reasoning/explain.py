"""Which part of a caller's symptom do its callees account for?

That callers inherit what their callees suffer is what every method on a call graph uses
(MonitorRank, MicroRCA, CIRCA's regression of a metric on its parents); comparing absolute amounts
and blaming a common caller are ours.
"""

import numpy as np

from aiops_agent.reasoning.evidence import Scores, Strongest
from aiops_agent.reasoning.measure import median
from aiops_agent.reasoning.observations import SYMPTOMS, MetricKind, Observations
from aiops_agent.reasoning.own_evidence import Suspects, relevance
from aiops_agent.reasoning.reach import Graph

ALIKE = 3.0  # times: amounts within it are "about the same"
FEW_ALIKE = 0.25  # of the callees: so many slowed alike point to what they share


def explain_away(
    seen: Observations, graph: Graph, suspects: Suspects, scores: Scores, best: Strongest
) -> None:
    """Take from each caller's symptom what its worst callee accounts for, in absolute amounts.

    Several callees slowed by about the same amount point to their common caller.
    """
    amounts = largest_amounts(seen, scores)
    slowed = np.zeros(len(suspects.symptom))
    for service in np.flatnonzero(suspects.symptom > 0).tolist():
        column = worst_symptom(seen, best, service)
        if graph.callees[service] and column >= 0:
            metric = int(seen.table.metric[column])
            theirs = max(amounts.get((metric, one), 0.0) for one in graph.callees[service])
            part = min(1.0, theirs / max(float(scores.amount[column]), 1e-12))
            suspects.residue[service] *= 1.0 - part
    late = best.column[:, MetricKind.LATENCY]
    hurt = (late >= 0) & (suspects.residue > 0)
    slowed[hurt] = scores.amount[late[hurt]]
    pushed, taken = np.zeros(len(slowed)), np.zeros(len(slowed))
    for caller, callees in enumerate(graph.callees):
        alike = [one for one in callees if slowed[one] > 0]
        if len(alike) < 2:
            continue
        middle = median(slowed[alike])
        alike = [one for one in alike if middle / ALIKE <= slowed[one] <= ALIKE * middle]
        share = len(alike) / len(callees)
        if len(alike) >= 2 and share >= FEW_ALIKE:
            pushed[caller] = share * float(np.mean(suspects.residue[alike]))
            taken[alike] = np.maximum(taken[alike], share)
    suspects.residue = suspects.residue * (1.0 - taken) + pushed


def largest_amounts(seen: Observations, scores: Scores) -> dict[tuple[int, int], float]:
    """Return by how much each symptom moved, by (metric, service)."""
    found: dict[tuple[int, int], float] = {}
    moved = np.isin(seen.table.kind, SYMPTOMS) & (scores.score > 0)
    for column in np.flatnonzero(moved).tolist():
        key = int(seen.table.metric[column]), int(seen.table.service[column])
        found[key] = max(found.get(key, 0.0), float(scores.amount[column]))
    return found


def worst_symptom(seen: Observations, best: Strongest, service: int) -> int:
    """Return the column of a service's worst symptom of the alert's kind, or -1."""
    kinds = [kind for kind in SYMPTOMS if relevance(seen, kind) == 1.0]
    worst = max(kinds, key=lambda kind: float(best.score[service, kind]))
    return int(best.column[service, worst])
