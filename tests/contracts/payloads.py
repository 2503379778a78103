"""One payload of every type of event."""

from typing import TypeVar

from aiops_agent.domain import payload as e
from aiops_agent.domain.alert import AlertNews, Severity
from aiops_agent.domain.answer import STATISTICS, Effort
from aiops_agent.domain.approval import ApprovalState, Decision, Opinion, Ruling, Surface, Verdict
from aiops_agent.domain.diagnosis import CauseKind, Confidence, Diagnosis, Triage, TriageVerdict
from aiops_agent.domain.event import Event
from aiops_agent.domain.facts import PersonNote
from aiops_agent.domain.incident import Ending, Regrouping
from aiops_agent.domain.inquiry import CitedFact, CitedSentence, Inquiry
from aiops_agent.domain.notice import Occasion
from aiops_agent.domain.payload import EventType, Payload
from aiops_agent.domain.reasoning import (
    Assertion,
    CheckedClaim,
    Direction,
    Gap,
    PlanPick,
    SecondOpinion,
    Stand,
    Suspect,
)
from aiops_agent.domain.remediation import Outcome, Recovery, Risk, Verification
from aiops_agent.domain.telemetry import ServiceName
from tests.contracts.samples import NOW, SCALE, a_plan

_ID, _DIGEST = "INC-0001.1", a_plan().digest
_OUTCOME = Outcome(effects=(), started=NOW, finished=NOW)
_CHECKED = Verification(recovery=Recovery.RECOVERED, checks=(), reason="held", at=NOW)
_TRIAGE = Triage(
    verdict=TriageVerdict.CONFIRMED,
    severity=Severity.SEV2,
    service=ServiceName("payments-api"),
    signal=None,
    impact="slow",
    reason="seen",
)
_DIAGNOSIS = Diagnosis(
    summary="unknown",
    hypotheses=(),
    findings=(),
    confidence=Confidence.LOW,
    why_confidence="0 of 0",
    not_known=(),
)
_REASONED = SecondOpinion(
    by="model scripted",
    first=Suspect(kind=CauseKind.HANG, service=ServiceName("web")),
    after=None,
    claims=(
        CheckedClaim(
            claim=Assertion(
                subject="web", signal="latency", direction=Direction.UP, size=3.0, evidence="E1"
            ),
            words="latency of web rose",
        ),
    ),
    not_known=(Gap(subject="web", what="inside"),),
    stand=Stand.DISAGREES,
    engine="nothing",
)
_VERDICT = Verdict(
    ruling=Ruling.ASK,
    reason="risky",
    opinions=(Opinion(rule="propose_asks", ruling=Ruling.ASK, reason="risky"),),
)
DECISION = Decision(
    digest=a_plan().digest, approve=True, by="alex", surface=Surface.TERMINAL, at=NOW
)
_ALL: tuple[Payload, ...] = (
    e.AlertReceived(news=AlertNews.JOINED, alert="k2", name="HighLatency"),
    e.IncidentOpened(alert="k1", name="HighLatency", service="web", severity=Severity.SEV2),
    e.IncidentReopened(reason="it fires on"),
    e.IncidentMoved(by="alex"),
    e.IncidentRegrouped(
        what=Regrouping.SPLIT_OFF, other="INC-0002", alerts=("0a1b",), by="alex", reason="apart"
    ),
    e.IncidentNoted(note=PersonNote(by="alex", at=NOW, text="it is not the database")),
    e.TriageDone(triage=_TRIAGE),
    e.EvidenceAdded(attempt=1),
    e.DiagnosisReady(attempt=1, diagnosis=_DIAGNOSIS),
    e.DiagnosisReasoned(attempt=1, opinion=_REASONED, confidence=Confidence.LOW),
    e.HandsChanged(asked="diagnose", why="no model answered"),
    e.PlanProposed(attempt=1, plan=a_plan().plan),
    e.PlanReasoned(
        attempt=1,
        pick=PlanPick(by="model x", same_action=False, same_target=True, words="would not"),
    ),
    e.PolicyDecided(attempt=1, digest=a_plan().digest, verdict=_VERDICT),
    e.ApprovalPending(approval=_ID, digest=_DIGEST, expires_at=NOW),
    e.ApprovalReminder(approval=_ID, digest=_DIGEST, expires_at=NOW),
    e.ApprovalDecided(approval="INC-0001.1", decision=DECISION, waited=22.0),
    e.ApprovalEnded(
        approval=_ID, digest=_DIGEST, state=ApprovalState.EXPIRED, why="nobody answered"
    ),
    e.ApprovalRefused(approval="INC-0001.1", by="", surface=Surface.FILE, why="another plan"),
    e.ActionStarted(attempt=1, step=1, action=SCALE),
    e.ActionHeld(attempt=1, why="INC-0001 is acting on cart."),
    e.ActionFinished(attempt=1, action=SCALE, risk=Risk.LOW, outcome=_OUTCOME),
    e.VerificationSample(attempt=1, verification=_CHECKED),
    e.VerificationDone(attempt=1, recovery=Recovery.RECOVERED, verification=_CHECKED),
    e.UndoFinished(attempt=1, outcome=_OUTCOME),
    e.IncidentResolved(ending=Ending.FIXED, severity=Severity.SEV2),
    e.IncidentDismissed(ending=Ending.FIXED, severity=Severity.SEV2),
    e.IncidentEscalated(ending=Ending.FIXED, severity=Severity.SEV2),
    e.ReportWritten(),
    e.PeopleTold(channel="webhook", occasion=Occasion.RESOLVED),
    e.QuestionAsked(number=1, question="why?", by="alex"),
    e.QuestionAnswered(
        inquiry=Inquiry(
            number=1,
            question="why?",
            by="alex",
            sentences=(CitedSentence(text="latency rose", cites=("E1",)),),
            facts=(CitedFact(id="E1", text="web latency: 1 s → 2 s"),),
            effort=Effort(by=STATISTICS),
        )
    ),
    e.AnswerCorrected(number=1, by="alex", text="it fell"),
    e.Unreadable(was="future.thing"),
)
PAYLOADS: dict[EventType, Payload] = {payload.type: payload for payload in _ALL}

P = TypeVar("P")


def carried(event: Event, kind: type[P]) -> P:
    """Return the event's payload, which is of that kind."""
    assert isinstance(event.payload, kind)
    return event.payload
