"""What is kept of an incident: a report for people and a case for memory."""

from datetime import datetime
from enum import StrEnum

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.diagnosis import CauseKind, Confidence, Trigger
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Ending, IncidentId, Status
from aiops_agent.domain.remediation import Action, EffectState, Recovery
from aiops_agent.domain.signature import Signature
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.domain.value import Document, Value


class TriedAction(Value):
    """One thing that was tried and what telemetry said after it.

    One that was not done whole (`state`) says nothing of the remedy.
    """

    action: Action
    recovery: Recovery
    state: EffectState = EffectState.APPLIED
    undone: bool = False


class PatternOutcome(Value):
    """How often an action ended so in the incidents of a pattern; `last` is the newest end."""

    action: Action
    recovery: Recovery
    times: int
    last: datetime


class HeldConfidence(Value):
    """How often diagnoses that were called so sure were right, as far as it is known."""

    confidence: Confidence
    right: int
    wrong: int


class Pattern(Value):
    """Incidents that told the same story as a case and live on in it: whose, and what came of them.

    The case itself is not counted here.
    """

    members: tuple[IncidentId, ...]
    since: datetime  # when the first of them began
    outcomes: tuple[PatternOutcome, ...] = ()  # of what was done whole
    idle: int = 0  # in which nothing was done
    healed: int = 0  # of those, which ended by themselves
    held: tuple[HeldConfidence, ...] = ()


class PersonRating(Value):
    """What a person says of an ended incident: whether the agent was right, and what it was."""

    by: str
    at: datetime  # wall time
    right: bool
    cause: CauseKind | None = None  # what it really was
    words: str = ""


class CaseSource(StrEnum):
    """Who tells a case."""

    OWN = "own"  # lived by this agent, its outcomes read from telemetry
    IMPORTED = "imported"  # somebody's words


class PastIncident(Value):
    """A case in long-term memory, also of failures. All its texts are untrusted."""

    id: IncidentId
    environment: EnvironmentRef
    title: str
    service: ServiceName
    alert_names: tuple[str, ...]
    signal: Signal | None
    cause: CauseKind
    cause_service: ServiceName
    tried: tuple[TriedAction, ...] = ()
    status: Status
    summary: str
    ended_at: datetime
    started_at: datetime | None = None
    ending: Ending | None = None
    signature: Signature = Signature()
    confidence: Confidence | None = None  # of the last diagnosis
    trigger: Trigger = Trigger.NONE_SEEN
    change: str = ""  # title of the change that was believed to have begun it
    release: str = ""  # what the service of the cause ran, if known
    declined: tuple[str, ...] = ()  # actions that a person or policy refused, with the reason
    ratings: tuple[PersonRating, ...] = ()
    source: CaseSource = CaseSource.OWN
    text: str = ""  # what else people wrote of it
    pattern: Pattern | None = None  # the others of its kind, when they were made one with it

    @property
    def began(self) -> datetime:
        """When it began, or ended where that is not known."""
        return self.started_at or self.ended_at

    @property
    def believed(self) -> CauseKind:
        """The cause: a person's newest word, else what was believed."""
        said = (one.cause for one in reversed(self.ratings) if one.cause is not None)
        return next(said, self.cause)

    @property
    def doubted(self) -> bool:
        """Whether a person said last that the agent was wrong."""
        return bool(self.ratings) and not self.ratings[-1].right


class Postmortem(Value):
    """The written report. `markdown` is for people, `data` the same for machines."""

    incident: IncidentId
    title: str
    severity: Severity
    status: Status
    markdown: str
    data: Document


class ForgottenDecision(Value):
    """Who answered for which plan of a forgotten incident."""

    digest: str
    state: ApprovalState
    by: str = ""
    at: datetime | None = None


class Forgotten(Value):
    """What the audit keeps of an incident that was forgotten: that, by whom, and who decided."""

    id: str
    by: str
    at: datetime  # wall time
    decisions: tuple[ForgottenDecision, ...] = ()
    sent: int = 0  # requests that were armed


class KeptCase(Value):
    """A case with its report, as it is taken out."""

    case: PastIncident
    report: Postmortem | None = None
