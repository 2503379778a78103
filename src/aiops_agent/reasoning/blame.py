"""Which service is to blame? Evidence of its own, less what its callees explain, times its reach.

That a cause must be reachable from what alerts and should move as the alert does is MonitorRank's
and ranked correlation's; coverage of the symptoms, the factor for changes and the weights are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from aiops_agent.reasoning.evidence import Scorer, Scores, Strongest, find_start, strongest
from aiops_agent.reasoning.explain import explain_away
from aiops_agent.reasoning.inside import Different, different
from aiops_agent.reasoning.machines import Machine, shared
from aiops_agent.reasoning.observations import (
    SYMPTOMS,
    Bools,
    Floats,
    MetricKind,
    Observations,
    made_sound,
)
from aiops_agent.reasoning.own_evidence import OTHER_SYMPTOM, Reason, Suspects, weighed
from aiops_agent.reasoning.reach import Graph
from aiops_agent.reasoning.requests import Slower, pairs, slower, told

BESIDE_SPANS = 0.2  # of symptoms in metrics where spans measure them better
WEAK_BESIDE_SPANS = 0.3  # of what says little anyway
OFF_PATH = 0.3  # of what no request passes, where requests are seen
DIFFERENT = 8.0  # of lost or failing work; it speaks of the fault itself, a metric of its effects
SLOWER = 3.0  # of added time
EXPLAINED = 0.6  # of lost work that callees' lost work explains
COVERAGE = 1.0  # who explains every symptom counts twice as much as who explains none
TOGETHER = 1.0  # moving as the alert does is worth as much as covering every symptom
INFERRED = 0.5  # of ends that report nothing themselves: they rather mirror a cause than are one
UNREACHED = 0.25  # of what the alerting service does not depend on; graphs miss edges
CHANGED = 2.0  # a service changed shortly before: half of all incidents follow a change
CHANGE_WINDOW = 1800.0  # seconds


@dataclass(frozen=True)
class Blamed:
    """A service or a machine, its score and its place; those of one place cannot be told apart."""

    service: str
    score: float
    place: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class BlameRanking:
    """Services that may be to blame, the likeliest first; empty when nothing moved."""

    blamed: tuple[Blamed, ...]
    began: float  # seconds after the first row

    @property
    def tied(self) -> bool:
        """Whether several services share the first place."""
        return sum(one.place == 1 for one in self.blamed) > 1

    @property
    def evident(self) -> bool:
        """Whether anything moved beyond what is usual."""
        return bool(self.blamed) and self.blamed[0].score > 0


def blame(given: Observations) -> BlameRanking:
    """Rank the services; never raises, whatever the numbers are."""
    seen = made_sound(given)
    began = find_start(seen.table, seen.began)
    scores = Scorer(seen.table).at(began)
    best = strongest(seen.table, scores, len(seen.services))
    suspects = weighed(seen, scores, best)
    spans = seen_in_requests(seen)
    graph = Graph.of(len(seen.services), spans.calls if spans and spans.calls else seen.calls)
    if spans is not None:
        suspects.symptom *= BESIDE_SPANS
        suspects.weak *= WEAK_BESIDE_SPANS
    suspects.residue = suspects.symptom.copy()
    if graph.known:
        explain_away(seen, graph, suspects, scores, best)
    own = suspects.own
    if spans is not None:
        own = spans.added(own, graph, suspects)
    score = own * (1.0 + COVERAGE * graph.coverage(suspects.symptom, own > 0))
    score[list(seen.inferred)] *= INFERRED
    if graph.known and seen.alert is not None:
        score = score * np.where(graph.downstream(seen.alert.service), 1.0, UNREACHED)
        score = score * (1.0 + TOGETHER * together(seen, scores, best) ** 2)
    for service in sorted(lately_changed(seen, began)):
        score[service] *= CHANGED
        if score[service] > 0:
            suspects.reasons[service].append(Reason(0.0, "changed shortly before"))
    machines = machines_apart(seen, own, score)
    return with_machines(ranking(seen, scores, suspects, score), machines)


def machines_apart(seen: Observations, own: Floats, score: Floats) -> list[Machine]:
    """Return the machines to blame; one that is measured as a service raises that one's score."""
    apart = []
    for one in shared(seen.placement, own, score):
        if one.name in seen.services:
            score[seen.services.index(one.name)] = one.score
        else:
            apart.append(one)
    return apart


def with_machines(found: BlameRanking, machines: Sequence[Machine]) -> BlameRanking:
    """Return the ranking with what is suspected in place of the services that share it first."""
    rows = [
        Blamed(
            one.name,
            round(one.score, 9),
            1 + sum(other.score > one.score for other in machines),
            (Reason(one.score, f"{len(one.services)} services that share it changed at once"),),
        )
        for one in sorted(machines, key=lambda one: -one.score)
    ]
    rest = (replace(one, place=one.place + len(rows)) for one in found.blamed)
    return replace(found, blamed=(*rows, *rest))


def together(seen: Observations, scores: Scores, best: Strongest) -> Floats:
    """Return how well each service's symptoms move as the alert does, 0..1."""
    alert, count = seen.alert, len(seen.services)
    found = np.zeros(count)
    if alert is None or alert.column is None:
        return found
    rows = seen.table.until(scores.began)
    lately = max(rows - (len(seen.table.at) - rows), seen.table.since_gap(rows), 0)
    window = seen.table.values[:, lately:]
    course = window[alert.column]
    kinds = {*SYMPTOMS, MetricKind(int(seen.table.kind[alert.column]))}
    falls = alert.kind is MetricKind.AVAILABILITY
    for kind in sorted(kinds):
        worth = 1.0 if kind == alert.kind or alert.kind is None else OTHER_SYMPTOM
        sign = 1.0 if (kind is MetricKind.AVAILABILITY) == falls else -1.0
        for service in np.flatnonzero(best.column[:, kind] >= 0).tolist():
            like = sign * correlation(window[best.column[service, kind]], course)
            found[service] = max(found[service], worth * like)
    return found


def correlation(one: Floats, other: Floats) -> float:
    """Return Pearson's correlation of what both have; 0 with fewer than three samples."""
    both = ~(np.isnan(one) | np.isnan(other))
    if np.count_nonzero(both) < 3:
        return 0.0
    a, b = one[both], other[both]
    a, b = a - a.sum() / len(a), b - b.sum() / len(b)
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0


def lately_changed(seen: Observations, began: float) -> set[int]:
    """Return the services that were released or reconfigured shortly before."""
    # Up to the reported start: what searched for an earlier one may be off by a minute.
    latest = max(began, seen.began)
    return {s for at, s in seen.changes if latest - at >= 0 and began - at <= CHANGE_WINDOW}


@dataclass(frozen=True)
class SeenInRequests:
    """What spans and lines say of the services, and whom they were seen to call."""

    slower: dict[int, Slower]
    different: dict[int, Different]
    calls: frozenset[tuple[int, int]]
    on_path: Bools

    def added(self, own: Floats, graph: Graph, suspects: Suspects) -> Floats:
        """Return each service's own evidence with that of its requests."""
        strength = np.zeros(len(own))
        for service, found in self.different.items():
            strength[service] = found.strength
            suspects.reasons[service].append(Reason(found.strength, found.words))
        own = own.copy()
        for service in self.different:
            its = float(strength[service])
            theirs = max((float(strength[one]) for one in graph.callees[service]), default=0.0)
            # A callee explains what is about as large as its own; the larger part stays.
            part = min(1.0, theirs / its) * max(0.0, 1.0 - (its - theirs))
            own[service] += DIFFERENT * its * (1.0 - EXPLAINED * part)
        for service, slow in self.slower.items():
            own[service] += SLOWER * slow.strength * np.sqrt(slow.share)
            suspects.reasons[service].append(Reason(slow.strength, slow.words))
        suspects.symptom = np.maximum(suspects.symptom, 2.0 * strength)
        return np.where(self.on_path, own, OFF_PATH * own)


def seen_in_requests(seen: Observations) -> SeenInRequests | None:
    """Work out spans and lines; None where there are none of both times, or they are unsound."""
    before, after = seen.usual, seen.faulty
    if before is None or after is None or not (before.sound and after.sound):
        return None
    operations, services = max(len(seen.operations), 1), len(seen.services)
    usual, faulty = told(before, operations), told(after, operations)
    on_path = np.zeros(services, dtype=np.bool_)
    on_path[before.service] = True
    on_path[after.service] = True
    return SeenInRequests(
        slower=slower(usual, faulty, operations, services),
        different=different(seen, usual, faulty),
        calls=pairs(before) | pairs(after),
        on_path=on_path,
    )


def ranking(seen: Observations, scores: Scores, suspects: Suspects, score: Floats) -> BlameRanking:
    """Return the ranking: by score, then by what stayed below the gate, never by a name."""
    # Sums of the same numbers in another order differ in the last digits: those are no evidence.
    score = np.nan_to_num(np.round(score, 9), nan=0.0, posinf=0.0, neginf=0.0)
    faint = np.zeros(len(score))
    np.maximum.at(faint, seen.table.service, np.round(scores.faint, 9))
    order = [i for i in np.lexsort((-faint, -score)).tolist() if score[i] > 0 or faint[i] > 0]
    blamed: list[Blamed] = []
    for row, i in enumerate(order):
        same = row > 0 and (score[i], faint[i]) == (score[order[row - 1]], faint[order[row - 1]])
        place = blamed[-1].place if same else row + 1
        reasons = sorted(suspects.reasons[i], key=lambda one: (-one.size, one.what))[:3]
        blamed.append(Blamed(seen.services[i], float(score[i]), place, tuple(reasons)))
    return BlameRanking(tuple(blamed), scores.began)
