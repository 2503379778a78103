"""Which past incidents are like this one? Keyed by structure: service, alert, signal, cause."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.postmortem import PastIncident, Postmortem
from aiops_agent.ports.memory import Hit, RecallQuery
from aiops_agent.ports.store import Store

ALIKE = 3.0  # points from which a case is worth recalling
MOST = 1000  # cases that are compared, the newest


@dataclass(frozen=True)
class ArchiveMemory:
    """ports.memory.Memory over the store's archive: cases of the same kind of environment."""

    store: Store

    def remember(self, case: PastIncident, report: Postmortem | None) -> None:
        """Keep a case and its report."""
        with self.store.begin() as work:
            work.archive.add(case, report)

    def recall(self, query: RecallQuery) -> tuple[Hit, ...]:
        """Return what is alike, the likest first, then the newest."""
        with self.store.read() as view:
            cases = view.archive.cases(query.incident.environment.kind, limit=MOST)
        return alike(cases, query)


def alike(cases: Iterable[PastIncident], query: RecallQuery) -> tuple[Hit, ...]:
    """Return the cases that are like the query, the likest first, then the newest."""
    hits = [_compared(case, query) for case in cases if case.id != query.incident.id]
    near = [hit for hit in hits if hit.points >= ALIKE]
    near.sort(key=lambda hit: (-hit.points, -hit.case.ended_at.timestamp(), hit.case.id))
    return tuple(near)


def _compared(case: PastIncident, query: RecallQuery) -> Hit:
    incident, triage = query.incident, query.incident.triage
    shared = set(case.alert_names) & set(incident.alert_names)
    believed = query.cause not in (None, CauseKind.UNKNOWN)
    weighed = (
        (2.0, case.service == incident.service, "same service"),
        (1.5, bool(shared), f"same alert {', '.join(sorted(shared))}"),
        (1.0, bool(triage and triage.signal and triage.signal is case.signal), "same signal"),
        (2.0, believed and case.cause is query.cause, "same cause"),
    )
    found = [(points, words) for points, same, words in weighed if same]
    reasons = tuple(words for _, words in found)
    return Hit(case=case, points=sum(points for points, _ in found), reasons=reasons)
