"""What would have been said of alerts of the past, and what people make of it."""

from datetime import datetime, timedelta
from enum import StrEnum

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.diagnosis import CauseKind, Confidence, TriageVerdict
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.value import Value


class AlertEpisode(Value):
    """One stretch in which an alert fired; all labels are untrusted. None: it fires still."""

    labels: dict[str, str]
    began: datetime
    ended: datetime | None


class AlertPast(Value):
    """What a source knows of the alerts of some time.

    `recorded` is for how long of it there is any telemetry; `unread` says what could not be read.
    """

    episodes: tuple[AlertEpisode, ...]
    recorded: timedelta
    unread: tuple[str, ...] = ()


class WouldHave(StrEnum):
    """What would have become of an incident of the past, as far as the agent goes by itself."""

    DISMISSED = "dismissed"  # telemetry contradicted it
    WATCHED = "watched"  # nothing is done at first: it may heal by itself
    ASKED = "asked"  # a plan with actions is put to people
    HANDED_OVER = "handed_over"  # given to a person, nothing changed
    DENIED = "denied"  # a freeze forbade its action then; given to a person


class Healed(StrEnum):
    """Whether telemetry was back in its usual range some time after, with no action of ours."""

    YES = "yes"
    NO = "no"
    UNSEEN = "unseen"  # nothing that could tell is seen then
    TOO_SOON = "too_soon"  # that time is not over yet


class Band(StrEnum):
    """A row of the reliability table: how sure the answer was, or what it was instead."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    ABSTAINED = "abstained"  # no cause was named
    NOT_DIAGNOSED = "not diagnosed"  # handed over at once
    DISMISSED = "dismissed"


class Rightness(StrEnum):
    """What a person says of an answer."""

    RIGHT = "right"
    WRONG = "wrong"


class PastAlert(Value):
    """An alert of a past incident; `key` is its identity. None: it fired still."""

    key: str
    name: str
    began: datetime
    ended: datetime | None


class PastCause(Value):
    """The cause that was named first, and how sure it was. Without a name it abstained."""

    kind: CauseKind
    service: ServiceName
    statement: str
    confidence: Confidence
    why: str  # the counts behind the word
    abstains: bool


class PastAction(Value):
    """One action that would have been asked for."""

    kind: ActionKind
    text: str


class PastAnswer(Value):
    """What triage, diagnosis, plan and critic said of one incident of the past.

    `decided_at` is the moment by which all of it was said: nothing later was read for it, except
    for `healed`. `repeats`: its alert had fired shortly before, so that people knew of it.
    """

    id: str
    environment: EnvironmentRef
    version: str  # of the program that said it
    service: ServiceName
    title: str
    alerts: tuple[PastAlert, ...]
    opened_at: datetime
    ended_at: datetime | None  # when its last alert ended
    repeats: bool = False
    decided_at: datetime
    verdict: TriageVerdict
    severity: Severity
    reason: str  # of the verdict
    cause: PastCause | None = None
    would: WouldHave
    actions: tuple[PastAction, ...] = ()
    plan: str = ""  # its reason
    objection: str = ""  # the critic's
    healed: Healed | None = None  # None: it was dismissed, so that nothing had to heal
    healed_words: str = ""
    unknown: tuple[str, ...] = ()  # what could not be seen of that time

    @property
    def band(self) -> Band:
        """Where it stands in the reliability table."""
        if self.would is WouldHave.DISMISSED:
            return Band.DISMISSED
        if self.cause is None:
            return Band.NOT_DIAGNOSED
        return Band.ABSTAINED if self.cause.abstains else Band(self.cause.confidence.value)

    @property
    def notice(self) -> bool:
        """Whether a person would have been told to look or to answer."""
        if self.would is WouldHave.ASKED:
            return True
        if self.would is WouldHave.WATCHED:  # what does not heal is planned for anew, or given away
            return self.healed is not Healed.YES
        return self.would is not WouldHave.DISMISSED and not self.repeats


class PersonMark(Value):
    """A person's word on one answer; the latest counts."""

    id: str
    rightness: Rightness
    by: str
    at: datetime


class BacktestRun(Value):
    """One run over the past: which time it looked at, what it read, and why it stopped early.

    `recorded` is for how long of that time there was telemetry. `queries` and `read` (bytes) are
    those of this run.
    """

    at: datetime
    version: str
    since: datetime
    until: datetime
    recorded: timedelta
    episodes: int
    left: int  # alerts that it did not come to
    within: timedelta  # after which it looked whether telemetry healed
    queries: int
    read: int
    stopped: str = ""
    unread: tuple[str, ...] = ()


class BandRow(Value):
    """One row of the reliability table; `low` and `high` bound the share that is right (95 %)."""

    band: Band
    answers: int
    right: int
    wrong: int
    low: float | None = None
    high: float | None = None


class ActionRow(Value):
    """One kind of action in the answers: how often it was asked for, and people's marks."""

    kind: ActionKind
    asked: int
    right: int
    wrong: int


class BacktestReport(Value):
    """All of it, as of one run; `answers` are in the order of time."""

    environment: EnvironmentRef
    run: BacktestRun
    answers: tuple[PastAnswer, ...]
    marks: dict[str, Rightness]
    outcomes: dict[WouldHave, int]
    healed: dict[Healed, int]
    notices: int
    notices_per_day: float | None
    reliability: tuple[BandRow, ...]
    actions: tuple[ActionRow, ...]
