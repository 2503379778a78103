"""What each type of event carries: the public API of the bus."""

# limit: every type of event stands in one file: it is one public schema
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from aiops_agent.domain.alert import AlertNews, Severity
from aiops_agent.domain.approval import ApprovalState, Decision, Surface, Verdict
from aiops_agent.domain.diagnosis import Confidence, Diagnosis, Finding, Triage
from aiops_agent.domain.facts import PersonNote
from aiops_agent.domain.incident import Ending, Regrouping
from aiops_agent.domain.inquiry import Inquiry
from aiops_agent.domain.notice import Occasion, Receipt
from aiops_agent.domain.reasoning import PlanPick, SecondOpinion
from aiops_agent.domain.remediation import Action, Outcome, Plan, Recovery, Risk, Verification
from aiops_agent.domain.value import Value


class EventType(StrEnum):
    """The closed set of what can happen; the names are part of the public API."""

    ALERT_RECEIVED = "alert.received"
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_REOPENED = "incident.reopened"
    INCIDENT_MOVED = "incident.moved"
    INCIDENT_REGROUPED = "incident.regrouped"  # people split it or merged it
    INCIDENT_NOTED = "incident.noted"  # a person says something
    TRIAGE_DONE = "triage.done"
    EVIDENCE_ADDED = "evidence.added"
    DIAGNOSIS_READY = "diagnosis.ready"
    DIAGNOSIS_REASONED = "diagnosis.reasoned"  # what a model makes of it
    HANDS_CHANGED = "hands.changed"  # a model failed: another one, or statistics, goes on
    PLAN_PROPOSED = "plan.proposed"
    PLAN_REASONED = "plan.reasoned"  # what a model would do
    POLICY_DECIDED = "policy.decided"
    APPROVAL_PENDING = "approval.pending"
    APPROVAL_REMINDER = "approval.reminder"
    APPROVAL_DECIDED = "approval.decided"
    APPROVAL_ENDED = "approval.ended"  # expired or withdrawn
    APPROVAL_REFUSED = "approval.refused"  # an answer that does not count
    ACTION_STARTED = "action.started"
    ACTION_HELD = "action.held"
    ACTION_FINISHED = "action.finished"
    VERIFICATION_SAMPLE = "verification.sample"
    VERIFICATION_DONE = "verification.done"
    UNDO_FINISHED = "undo.finished"
    INCIDENT_RESOLVED = "incident.resolved"
    INCIDENT_DISMISSED = "incident.dismissed"
    INCIDENT_ESCALATED = "incident.escalated"
    REPORT_WRITTEN = "report.written"
    PEOPLE_TOLD = "people.told"  # or not: its payload says why
    QUESTION_ASKED = "question.asked"  # by a person, about the incident
    QUESTION_ANSWERED = "question.answered"
    ANSWER_CORRECTED = "answer.corrected"  # by a person
    UNREADABLE = "event.unreadable"  # stored by another version of us


class AlertReceived(Value):
    """An alert, by its key, came for an incident that is known."""

    type: Literal[EventType.ALERT_RECEIVED] = EventType.ALERT_RECEIVED
    news: AlertNews
    alert: str
    name: str


class IncidentOpened(Value):
    """An alert opened an incident, the `firings`th in a row, `after` that one; `quiet`: not told.

    `left_out` alerts of its body were too many to keep. `trace` is that of OpenTelemetry.
    """

    type: Literal[EventType.INCIDENT_OPENED] = EventType.INCIDENT_OPENED
    alert: str
    name: str
    service: str
    severity: Severity
    left_out: int = 0
    trace: str = ""
    after: str = ""
    firings: int = 1
    quiet: bool = False


class IncidentReopened(Value):
    """What had ended goes on: a person says so, or what was dismissed is confirmed (`by` is "")."""

    type: Literal[EventType.INCIDENT_REOPENED] = EventType.INCIDENT_REOPENED
    by: str = ""
    reason: str


class IncidentMoved(Value):
    """A person took the incident over: the agent stops."""

    type: Literal[EventType.INCIDENT_MOVED] = EventType.INCIDENT_MOVED
    by: str
    reason: str = ""


class IncidentRegrouped(Value):
    """A person moved `alerts` (their keys) between this incident and the `other` one."""

    type: Literal[EventType.INCIDENT_REGROUPED] = EventType.INCIDENT_REGROUPED
    what: Regrouping
    other: str
    alerts: tuple[str, ...]
    by: str
    reason: str = ""


class IncidentNoted(Value):
    """A person's opinion, which every agent reads; it orders and permits nothing."""

    type: Literal[EventType.INCIDENT_NOTED] = EventType.INCIDENT_NOTED
    note: PersonNote


class TriageDone(Value):
    """Whether it is real, and how bad."""

    type: Literal[EventType.TRIAGE_DONE] = EventType.TRIAGE_DONE
    triage: Triage


class EvidenceAdded(Value):
    """One changed finding; None when a look showed too little and is repeated."""

    type: Literal[EventType.EVIDENCE_ADDED] = EventType.EVIDENCE_ADDED
    attempt: int
    finding: Finding | None = None


class DiagnosisReady(Value):
    """The ranked causes of an attempt."""

    type: Literal[EventType.DIAGNOSIS_READY] = EventType.DIAGNOSIS_READY
    attempt: int
    diagnosis: Diagnosis


class DiagnosisReasoned(Value):
    """What a model makes of a diagnosis, and the confidence that is left."""

    type: Literal[EventType.DIAGNOSIS_REASONED] = EventType.DIAGNOSIS_REASONED
    attempt: int
    opinion: SecondOpinion
    confidence: Confidence


class HandsChanged(Value):
    """A model gave no answer; `why` says so, and who goes on."""

    type: Literal[EventType.HANDS_CHANGED] = EventType.HANDS_CHANGED
    asked: str  # the agent whose question it was
    why: str


class PlanProposed(Value):
    """What an attempt would do."""

    type: Literal[EventType.PLAN_PROPOSED] = EventType.PLAN_PROPOSED
    attempt: int
    plan: Plan


class PlanReasoned(Value):
    """Which of the candidates a model would take."""

    type: Literal[EventType.PLAN_REASONED] = EventType.PLAN_REASONED
    attempt: int
    pick: PlanPick


class PolicyDecided(Value):
    """What policy says of the prepared plan with this digest."""

    type: Literal[EventType.POLICY_DECIDED] = EventType.POLICY_DECIDED
    attempt: int
    digest: str
    verdict: Verdict


class ApprovalPending(Value):
    """A plan waits for an answer until `expires_at` (wall time)."""

    type: Literal[EventType.APPROVAL_PENDING] = EventType.APPROVAL_PENDING
    approval: str
    digest: str
    expires_at: datetime


class ApprovalReminder(Value):
    """A plan still waits for an answer."""

    type: Literal[EventType.APPROVAL_REMINDER] = EventType.APPROVAL_REMINDER
    approval: str
    digest: str
    expires_at: datetime


class ApprovalDecided(Value):
    """The answer that counts, `waited` seconds after the question."""

    type: Literal[EventType.APPROVAL_DECIDED] = EventType.APPROVAL_DECIDED
    approval: str
    decision: Decision
    waited: float


class ApprovalEnded(Value):
    """A question ended without an answer."""

    type: Literal[EventType.APPROVAL_ENDED] = EventType.APPROVAL_ENDED
    approval: str
    digest: str
    state: ApprovalState
    why: str


class ApprovalRefused(Value):
    """An answer that does not count, and why."""

    type: Literal[EventType.APPROVAL_REFUSED] = EventType.APPROVAL_REFUSED
    approval: str
    by: str
    surface: Surface
    why: str


class ActionStarted(Value):
    """A step of the approved plan is about to be sent."""

    type: Literal[EventType.ACTION_STARTED] = EventType.ACTION_STARTED
    attempt: int
    step: int
    action: Action


class ActionHeld(Value):
    """Nothing is sent for the present, such as while another incident acts on the target."""

    type: Literal[EventType.ACTION_HELD] = EventType.ACTION_HELD
    attempt: int
    why: str


class ActionFinished(Value):
    """What was sent and what became of it; action and risk are of the plan's first step."""

    type: Literal[EventType.ACTION_FINISHED] = EventType.ACTION_FINISHED
    attempt: int
    action: Action | None
    risk: Risk | None
    outcome: Outcome


class VerificationSample(Value):
    """One look at telemetry after acting, or after the undo."""

    type: Literal[EventType.VERIFICATION_SAMPLE] = EventType.VERIFICATION_SAMPLE
    attempt: int
    verification: Verification
    after_undo: bool = False


class VerificationDone(Value):
    """The verdict over an attempt."""

    type: Literal[EventType.VERIFICATION_DONE] = EventType.VERIFICATION_DONE
    attempt: int
    recovery: Recovery
    verification: Verification | None = None


class UndoFinished(Value):
    """What was taken back; without an outcome `failed` says why it was not."""

    type: Literal[EventType.UNDO_FINISHED] = EventType.UNDO_FINISHED
    attempt: int
    outcome: Outcome | None = None
    failed: str = ""


class IncidentEnd(Value):
    """How an incident ended: what its three ends have in common; with `quiet` nobody is told."""

    ending: Ending
    severity: Severity
    quiet: bool = False


class IncidentResolved(IncidentEnd):
    """Telemetry says that it is over."""

    type: Literal[EventType.INCIDENT_RESOLVED] = EventType.INCIDENT_RESOLVED


class IncidentDismissed(IncidentEnd):
    """Nothing was wrong, or a person merged it into another incident."""

    type: Literal[EventType.INCIDENT_DISMISSED] = EventType.INCIDENT_DISMISSED


class IncidentEscalated(IncidentEnd):
    """A person must go on."""

    type: Literal[EventType.INCIDENT_ESCALATED] = EventType.INCIDENT_ESCALATED


class ReportWritten(Value):
    """The case is kept; its report too, unless `failed` says why there is none."""

    type: Literal[EventType.REPORT_WRITTEN] = EventType.REPORT_WRITTEN
    failed: str = ""


class PeopleTold(Value):
    """A channel took a notice, unless `failed` or `superseded` (it is so no more) says why."""

    type: Literal[EventType.PEOPLE_TOLD] = EventType.PEOPLE_TOLD
    channel: str
    occasion: Occasion
    receipt: Receipt | None = None
    failed: str = ""
    superseded: str = ""


class QuestionAsked(Value):
    """A person asked something about the incident; questions are numbered from 1."""

    type: Literal[EventType.QUESTION_ASKED] = EventType.QUESTION_ASKED
    number: int
    question: str
    by: str


class QuestionAnswered(Value):
    """The answer with what it cites, also with what was struck from it."""

    type: Literal[EventType.QUESTION_ANSWERED] = EventType.QUESTION_ANSWERED
    inquiry: Inquiry


class AnswerCorrected(Value):
    """A person says what is wrong with an answer: an opinion that later questions are shown."""

    type: Literal[EventType.ANSWER_CORRECTED] = EventType.ANSWER_CORRECTED
    number: int
    by: str
    text: str


class Unreadable(Value):
    """What another version of us stored as `was`; the event's message stands."""

    type: Literal[EventType.UNREADABLE] = EventType.UNREADABLE
    was: str = ""


Payload: TypeAlias = Annotated[
    AlertReceived
    | IncidentOpened
    | IncidentReopened
    | IncidentMoved
    | IncidentRegrouped
    | IncidentNoted
    | TriageDone
    | EvidenceAdded
    | DiagnosisReady
    | DiagnosisReasoned
    | HandsChanged
    | PlanProposed
    | PlanReasoned
    | PolicyDecided
    | ApprovalPending
    | ApprovalReminder
    | ApprovalDecided
    | ApprovalEnded
    | ApprovalRefused
    | ActionStarted
    | ActionHeld
    | ActionFinished
    | VerificationSample
    | VerificationDone
    | UndoFinished
    | IncidentResolved
    | IncidentDismissed
    | IncidentEscalated
    | ReportWritten
    | PeopleTold
    | QuestionAsked
    | QuestionAnswered
    | AnswerCorrected
    | Unreadable,
    Field(discriminator="type"),
]
