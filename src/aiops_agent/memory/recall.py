"""What is kept of an incident, which of those are like this one, and what they say of an action.

Likeness is keyed by structure: service, alert, signal, cause.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.postmortem import PastIncident, Postmortem, TriedAction
from aiops_agent.domain.remediation import ActionKind, Alternative, Offer, Precedent, Recovery
from aiops_agent.ports.memory import Hit, RecallQuery
from aiops_agent.ports.store import Store

ALIKE = 3.0  # points from which a case is worth recalling
MOST = 1000  # cases that are compared, the newest
FAILED = (Recovery.NOT_RECOVERED, Recovery.WORSE)


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


def cited(hits: Iterable[Hit], menu: Sequence[Offer]) -> tuple[Precedent, ...]:
    """Return each action that was tried in the like of this, the likest incident first."""
    nouns = {offer.kind: offer.noun for offer in menu}
    return tuple(
        Precedent(
            incident=hit.case.id,
            ended_at=hit.case.ended_at,
            action=past.action,
            noun=nouns.get(past.action.kind) or past.action.kind.replace("_", " "),
            recovery=past.recovery,
            reasons=hit.reasons,
        )
        for hit in hits
        for past in hit.case.tried
    )


def standing(kinds: set[ActionKind], known: Iterable[Precedent]) -> int:
    """Return 1 when these kinds of action helped before, -1 when they only failed, else 0."""
    seen = {one.recovery for one in known if one.action.kind in kinds}
    if Recovery.RECOVERED in seen:
        return 1
    return -1 if seen & set(FAILED) else 0


def precedents(kinds: set[ActionKind], known: Sequence[Precedent]) -> tuple[Precedent, ...]:
    """Return what helped or else failed of these kinds of action, and what failed beside them."""
    if not kinds:
        return ()
    own = [one for one in known if one.action.kind in kinds]
    others = [one for one in known if one.action.kind not in kinds]
    best = next(_helped(own), None) or next(_failed(own), None)
    return tuple(one for one in (best, next(_failed(others), None)) if one is not None)


def beside_memory(
    rejected: Sequence[Alternative],
    known: Sequence[Precedent],
    fits: set[ActionKind],
    cause: CauseKind,
) -> list[Alternative]:
    """Return rejected remedies with what memory says of them; where it praises, telemetry wins.

    `fits` are the kinds of action that the cause calls for: memory adds nothing against those.
    """
    found = [_weighed(one, known) for one in rejected]
    settled = fits | {action.kind for one in rejected for action in one.actions}
    for past in _helped(known):
        if past.action.kind in settled:
            continue
        settled |= {past.action.kind}
        signs = f"evidence points to {cause.value.replace('_', ' ')}"
        found.append(Alternative(actions=(past.action,), drawback=_contradicted(past, signs)))
    return found


def _weighed(one: Alternative, known: Sequence[Precedent]) -> Alternative:
    kinds = {action.kind for action in one.actions}
    own = [past for past in known if past.action.kind in kinds]
    drawback = one.drawback
    if helped := next(_helped(own), None):
        drawback = _contradicted(helped, drawback)
    elif failed := next(_failed(own), None):
        drawback = f"{drawback}; it did not help in {failed.where}"
    return one.model_copy(update={"drawback": drawback})


def _contradicted(past: Precedent, signs: str) -> str:
    return f"it helped in {past.where}, but telemetry contradicts: {signs}"


def _helped(known: Iterable[Precedent]) -> Iterator[Precedent]:
    return (one for one in known if one.recovery is Recovery.RECOVERED)


def _failed(known: Iterable[Precedent]) -> Iterator[Precedent]:
    return (one for one in known if one.recovery in FAILED)
