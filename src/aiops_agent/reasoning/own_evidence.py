"""What do the metrics say of each service, taken by itself?

That resources tell of a cause and latency of its effect is common ground (MicroRCA, Nezha); the
weights of the kinds and what traffic pays for are ours.
"""

from dataclasses import dataclass

import numpy as np

from aiops_agent.reasoning.evidence import Scores, Strongest
from aiops_agent.reasoning.observations import SYMPTOMS, Bools, Floats, MetricKind, Observations

# How well a kind of local evidence tells a cause from a bystander: what is used up by one's own
# work first, what moves by itself last.
LOCAL = {
    MetricKind.CPU: 1.0,
    MetricKind.SATURATION: 1.0,
    MetricKind.MEMORY: 0.6,
    MetricKind.RETRANSMITS: 0.6,
    MetricKind.DISK: 0.4,
    MetricKind.OTHER: 0.3,
}
WEAK = {MetricKind.TRAFFIC: 0.2, MetricKind.NODE: 0.1}  # moved, and says little about who did it
NETWORK = 0.6  # of bytes beyond the own traffic
PAID_BY_TRAFFIC = 0.5  # of the CPU and disk that more requests explain
OTHER_SYMPTOM = 0.3  # of a symptom that is not the one alerted of
OUTBOUND = 0.3  # of a latency that a caller measures: it is the callee's as well
BOTH = 0.25  # of the smaller of symptom and local evidence: a service with both is likelier
WEAK_PART = 0.5  # of what says little, beside what says more
USED = 50.0  # per cent of a limit from which use can hurt; 1 % to 3 % is no cause
FULL = 90.0  # per cent of a limit that hurts by itself


@dataclass(frozen=True)
class Reason:
    """Why a service is suspected: how strong, and what moved."""

    size: float
    what: str


@dataclass
class Suspects:
    """What is known of each service while it is weighed: one row a service."""

    symptom: Floats
    residue: Floats  # of the symptom, what callees do not explain
    local: Floats
    weak: Floats
    reasons: list[list[Reason]]

    @property
    def own(self) -> Floats:
        """The evidence of each service's own."""
        most, least = np.maximum(self.residue, self.local), np.minimum(self.residue, self.local)
        return most + BOTH * least + WEAK_PART * self.weak


def weighed(seen: Observations, scores: Scores, best: Strongest) -> Suspects:
    """Return what the metrics say of each service, taken by itself."""
    count = len(seen.services)
    reasons: list[list[Reason]] = [[] for _ in range(count)]
    for service, kind in zip(*np.nonzero(best.score), strict=True):
        column = int(best.column[service, kind])
        size = float(best.score[service, kind])
        reasons[service].append(Reason(size, seen.column_name(column)))
    symptom = np.zeros(count)
    for kind in SYMPTOMS:
        weight = np.where(outbound(seen, best, kind), OUTBOUND, 1.0) * relevance(seen, kind)
        symptom = np.maximum(symptom, weight * best.of(kind))
    local, bonus = np.zeros(count), np.zeros(count)
    traffic = best.of(MetricKind.TRAFFIC)
    for kind, worth in LOCAL.items():
        paid = PAID_BY_TRAFFIC * traffic if kind in (MetricKind.CPU, MetricKind.DISK) else 0.0
        part, full = utilised(seen, scores, kind)
        local = np.maximum(local, worth * part * np.maximum(best.of(kind) - paid, 0.0))
        bonus += np.where(full, 1.0, 0.0)
    weak = NETWORK * np.maximum(best.of(MetricKind.NETWORK) - traffic, 0.0)
    for kind, worth in WEAK.items():
        weak = np.maximum(weak, worth * best.of(kind))
    return Suspects(symptom, symptom.copy(), local + bonus, weak, reasons)


def relevance(seen: Observations, kind: MetricKind) -> float:
    """Return how much a symptom of this kind has to do with the alert."""
    alerted = seen.alert.kind if seen.alert is not None else None
    same = alerted is None or kind == alerted or alerted not in SYMPTOMS
    return 1.0 if same else OTHER_SYMPTOM


def outbound(seen: Observations, best: Strongest, kind: MetricKind) -> Bools:
    """Return at which services the strongest metric of a kind is measured on the way out."""
    column = best.column[:, kind]
    if not len(seen.table.outbound):
        return np.zeros(len(column), dtype=np.bool_)
    return (column >= 0) & seen.table.outbound[column]


def utilised(seen: Observations, scores: Scores, kind: MetricKind) -> tuple[Floats, Bools]:
    """Return how much a resource's use matters (0.1..1), and where it is nearly used up.

    1 where nothing says which part of its limit is used.
    """
    table, count = seen.table, len(seen.services)
    part, full = np.ones(count), np.zeros(count, dtype=np.bool_)
    if kind not in (MetricKind.CPU, MetricKind.MEMORY):
        return part, full
    rows = table.until(scores.began)
    for column in np.flatnonzero(table.percent & (table.kind == kind) & (scores.score > 0)):
        peak = float(np.fmax.reduce(table.values[column, rows:]))
        service = table.service[column]
        part[service] = min(part[service], max(0.1, peak / USED))
        full[service] |= peak >= FULL
    return part, full
