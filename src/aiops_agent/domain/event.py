"""One line of the durable bus: what happened, for whoever reads from a cursor."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import computed_field

from aiops_agent.domain.answer import Effort
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.payload import (
    DiagnosisReady,
    EventType,
    Payload,
    QuestionAnswered,
    VerificationDone,
)
from aiops_agent.domain.value import Document, Value


class Phase(StrEnum):
    """The phases that a person sees, in order."""

    ALERT = "alert"
    TRIAGE = "triage"
    DIAGNOSE = "diagnose"
    PLAN = "plan"
    REVIEW = "review"
    APPROVE = "approve"
    ACT = "act"
    VERIFY = "verify"
    REPORT = "report"


# Which phase an event belongs to, and who speaks.
PHASES: dict[EventType, tuple[Phase, str]] = {
    EventType.ALERT_RECEIVED: (Phase.ALERT, "intake"),
    EventType.INCIDENT_OPENED: (Phase.ALERT, "intake"),
    EventType.INCIDENT_REOPENED: (Phase.TRIAGE, "story"),
    EventType.INCIDENT_MOVED: (Phase.TRIAGE, "story"),
    EventType.INCIDENT_REGROUPED: (Phase.TRIAGE, "story"),
    EventType.INCIDENT_NOTED: (Phase.DIAGNOSE, "person"),
    EventType.TRIAGE_DONE: (Phase.TRIAGE, "triage"),
    EventType.EVIDENCE_ADDED: (Phase.DIAGNOSE, "diagnose"),
    EventType.DIAGNOSIS_READY: (Phase.DIAGNOSE, "diagnose"),
    EventType.DIAGNOSIS_REASONED: (Phase.DIAGNOSE, "diagnose"),
    EventType.HANDS_CHANGED: (Phase.DIAGNOSE, "model"),
    EventType.PLAN_PROPOSED: (Phase.PLAN, "plan"),
    EventType.PLAN_REASONED: (Phase.PLAN, "plan"),
    EventType.POLICY_DECIDED: (Phase.REVIEW, "policy"),
    EventType.APPROVAL_PENDING: (Phase.APPROVE, "gate"),
    EventType.APPROVAL_REMINDER: (Phase.APPROVE, "gate"),
    EventType.APPROVAL_DECIDED: (Phase.APPROVE, "gate"),
    EventType.APPROVAL_ENDED: (Phase.APPROVE, "gate"),
    EventType.APPROVAL_REFUSED: (Phase.APPROVE, "gate"),
    EventType.ACTION_STARTED: (Phase.ACT, "executor"),
    EventType.ACTION_HELD: (Phase.ACT, "executor"),
    EventType.ACTION_FINISHED: (Phase.ACT, "executor"),
    EventType.VERIFICATION_SAMPLE: (Phase.VERIFY, "verify"),
    EventType.VERIFICATION_DONE: (Phase.VERIFY, "verify"),
    EventType.UNDO_FINISHED: (Phase.ACT, "executor"),
    EventType.INCIDENT_RESOLVED: (Phase.REPORT, "story"),
    EventType.INCIDENT_DISMISSED: (Phase.REPORT, "story"),
    EventType.INCIDENT_ESCALATED: (Phase.REPORT, "story"),
    EventType.REPORT_WRITTEN: (Phase.REPORT, "report"),
    EventType.PEOPLE_TOLD: (Phase.REPORT, "notifier"),
    EventType.QUESTION_ASKED: (Phase.REPORT, "ask"),
    EventType.QUESTION_ANSWERED: (Phase.REPORT, "ask"),
    EventType.ANSWER_CORRECTED: (Phase.REPORT, "ask"),
    EventType.UNREADABLE: (Phase.REPORT, "store"),
}

# Single looks: of an old incident its report tells what they came to.
LOOKS = (
    EventType.ALERT_RECEIVED,
    EventType.EVIDENCE_ADDED,
    EventType.HANDS_CHANGED,
    EventType.APPROVAL_REMINDER,
    EventType.VERIFICATION_SAMPLE,
)


class Event(Value):
    """`key` is unique: writing the same key again changes nothing. `id` is 0 until stored.

    `at` is the environment's time (a shop's is virtual), `written_at` wall time. `effort` is what
    the work behind the event cost, if it was measured.
    """

    id: int = 0
    key: str
    incident: str
    environment: EnvironmentRef
    payload: Payload
    message: str
    refs: tuple[str, ...] = ()  # finding ids
    at: datetime
    written_at: datetime
    effort: Effort | None = None

    @computed_field  # type: ignore[prop-decorator] # pydantic's own advice
    @property
    def type(self) -> EventType:
        """What happened."""
        return self.payload.type

    @computed_field  # type: ignore[prop-decorator] # pydantic's own advice
    @property
    def phase(self) -> Phase:
        """The phase that a person sees."""
        return PHASES[self.type][0]

    @computed_field  # type: ignore[prop-decorator] # pydantic's own advice
    @property
    def agent(self) -> str:
        """Who speaks."""
        return PHASES[self.type][1]

    def says_as(self, before: "Event") -> bool:
        """Whether it says nothing but what the event before it said, as one look after another."""
        return (self.type, self.message, self.refs) == (before.type, before.message, before.refs)

    def condensed(self) -> Self | None:
        """Return what is kept of it for good; None of a mere look.

        Decisions, approvals and effects are kept as they are.
        """
        if self.type in LOOKS:
            return None
        told = self.payload
        if isinstance(told, DiagnosisReady):
            told = told.model_copy(update={"diagnosis": told.diagnosis.condensed()})
        elif isinstance(told, VerificationDone) and told.verification is not None:
            told = told.model_copy(update={"verification": told.verification.condensed()})
        return self if told is self.payload else self.model_copy(update={"payload": told})

    def unanswered(self) -> Self:
        """Return an answer without what it says: it may quote what was forgotten."""
        if not isinstance(self.payload, QuestionAnswered):
            return self
        bare = {"sentences": (), "facts": (), "not_known": ("what it quoted was forgotten",)}
        told = self.payload.model_copy(
            update={"inquiry": self.payload.inquiry.model_copy(update=bare)}
        )
        return self.model_copy(update={"payload": told, "message": "the answer was forgotten"})

    def document(self) -> Document:
        """Return plain JSON data from which `of` rebuilds an equal value."""
        return self.model_dump(mode="json", exclude_computed_fields=True)

    def public(self) -> Document:
        """Return the JSON of the public schema: the document with type, phase and agent."""
        return self.model_dump(mode="json")


def schema() -> Document:
    """Return the public JSON Schema of one event."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Event.model_json_schema(mode="serialization"),
    }
