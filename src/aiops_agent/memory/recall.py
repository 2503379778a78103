"""What is kept of an incident that ended, and which past ones are like this one?

Keyed by structure: service, alert, signal, cause.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.postmortem import PastIncident, Postmortem, TriedAction
from aiops_agent.domain.remediation import Recovery
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


def case_of(incident: Incident) -> PastIncident:
    """Return the case: what was believed, what was tried, and what came of it."""
    best = incident.diagnosis.best if incident.diagnosis else None
    tried = [
        TriedAction(
            action=action,
            recovery=a.verification.recovery if a.verification else Recovery.INCONCLUSIVE,
        )
        for a in incident.attempts
        if a.plan and a.outcome and a.outcome.effects
        for action in a.plan.actions
    ]
    return PastIncident(
        id=incident.id,
        environment=incident.environment,
        title=incident.title,
        service=incident.service,
        alert_names=incident.alert_names,
        signal=incident.triage.signal if incident.triage else None,
        cause=best.kind if best else CauseKind.UNKNOWN,
        cause_service=best.service if best else incident.service,
        tried=tuple(tried),
        status=incident.status,
        summary=incident.note,
        ended_at=incident.ended_at or incident.opened_at,
    )
