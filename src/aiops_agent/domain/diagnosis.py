"""What we believe, and why: findings carry references, hypotheses carry findings."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.signature import Signature
from aiops_agent.domain.telemetry import ServiceName, Signal, Window
from aiops_agent.domain.value import Value


class CauseKind(StrEnum):
    """The kinds of cause that we can tell apart; UNKNOWN is an honest answer."""

    CAPACITY = "capacity"  # more demand than the replicas can serve
    HANG = "hang"  # a process is up and does not answer
    RELEASE = "release"  # a new release does worse than the one before
    CONFIG = "config"  # a changed setting, such as a smaller connection pool
    LEAK = "leak"  # memory grows until the service suffers
    DEPENDENCY = "dependency"  # a service outside our reach fails
    COLD_CACHE = "cold_cache"  # a cache lost its content and fills again
    ERRORS = "errors"  # some requests fail, as fast as before: faulty code, or one path
    CONTENTION = "contention"  # capacity is used up without traffic or release
    CRASH = "crash"  # instances end again and again, or are gone
    UNKNOWN = "unknown"


class Trigger(StrEnum):
    """What set a cause off: the other half of an answer, told apart from the mechanism."""

    RELEASE = "release"
    CONFIGURATION = "configuration"
    LOAD = "load"
    OUTSIDE = "outside"  # of what is ours
    HEALS = "heals itself"  # none is seen, and it passes without anybody's doing
    NONE_SEEN = "none seen"


class Stance(StrEnum):
    """What a finding says about a hypothesis."""

    FOR = "for"
    AGAINST = "against"
    SYMPTOM = "symptom"  # a consequence; it tells nothing about the cause


class Finding(Value):
    """One observed fact with its reference: `before` and `now` are texts with units ("120 ms")."""

    id: str  # "E1", "E2", ... unique inside one diagnosis
    service: ServiceName
    what: str  # "latency p95", "log: timed out waiting for a connection", "release 2.4.1"
    before: str
    now: str
    source: str
    query: str
    signal: Signal | None = None
    trend: tuple[float, ...] = ()  # up to 24 values over the shown time, for a small chart
    changed: bool  # whether now differs from before beyond noise
    values: tuple[float, float] | None = None  # before and now as numbers, where it has any


class Evidence(Value):
    """How one finding bears on one hypothesis."""

    finding: str  # Finding.id
    stance: Stance
    why: str


class Confidence(StrEnum):
    """Computed by code from checks, never a model's opinion."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Hypothesis(Value):
    """One candidate cause. `score` is in 0..1; `held` of `checks` predictions were observed.

    `signs` of them are specific: they tell this mechanism from others. `belief` is how likely it is
    right, 0..1; where it is not worked out (of any but the first) it is 0.
    """

    kind: CauseKind
    service: ServiceName
    statement: str
    score: float
    held: int
    checks: int
    contradicted: int = 0
    evidence: tuple[Evidence, ...] = ()
    change: str = ""  # title of the change that began it, if one is suspected
    signs: int = 0
    belief: float = 0.0
    trigger: Trigger = Trigger.NONE_SEEN

    @property
    def key(self) -> str:
        """Identity across attempts: kind and service."""
        return f"{self.kind}:{self.service}"


class Certainty(Value):
    """Why a confidence is what it is: each line is one reason, the weightiest first."""

    raised: tuple[str, ...] = ()
    lowered: tuple[str, ...] = ()
    settle: tuple[str, ...] = ()  # what would decide it: a metric, a source, a look of a person

    @property
    def rows(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Those of the three that hold something, with the words that stand before them."""
        said = (("raised by", self.raised), ("lowered by", self.lowered))
        return tuple((n, of) for n, of in (*said, ("would settle", self.settle)) if of)


class Diagnosis(Value):
    """Ranked hypotheses (best first), findings, and what nobody knows."""

    summary: str
    hypotheses: tuple[Hypothesis, ...]
    findings: tuple[Finding, ...]
    confidence: Confidence
    why_confidence: str  # the counts behind the word
    certainty: Certainty = Certainty()  # the reasons behind it
    not_known: tuple[str, ...]
    sequence: tuple[str, ...] = ()  # clock times and short facts, oldest first
    began: datetime | None = None  # when the trouble began, read from telemetry
    shown: Window | None = None  # the time that the findings' trends cover
    signature: Signature = Signature()  # its shape, for memory
    release: str = ""  # what the suspected service runs, if known

    @property
    def affected(self) -> tuple[ServiceName, ...]:
        """The services whose signals moved, as the findings name them."""
        moved = (one for one in self.findings if one.changed and one.signal is not None)
        return tuple(dict.fromkeys(one.service for one in moved))

    def condensed(self) -> Self:
        """Return it without the courses of its signals."""
        findings = tuple(one.model_copy(update={"trend": ()}) for one in self.findings)
        return self.model_copy(update={"findings": findings})

    @property
    def best(self) -> Hypothesis | None:
        """The likeliest cause, or None when nothing stands out."""
        return self.hypotheses[0] if self.hypotheses else None


class TriageVerdict(StrEnum):
    """What telemetry says about the alert."""

    CONFIRMED = "confirmed"  # it hurts
    CONTRADICTED = "contradicted"  # the signal is there and is fine
    UNSEEN = "unseen"  # no data: never a reason to dismiss


class NotMine(Value):
    """Why an alert is not ours to mend, and all that a person needs to go on with it.

    `text`, `labels` and `runbook` are the sender's and untrusted. `value` tells the course of its
    expression, `unread` what could not be read.
    """

    why: str
    text: str
    labels: dict[str, str] = {}
    runbook: str = ""
    value: str = ""
    owner: str = ""
    unread: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """That it is not ours, and why."""
        return f"not ours to fix: {self.why}"

    @property
    def words(self) -> str:
        """All of it as one message."""
        labels = ", ".join(f"{name}={value}" for name, value in self.labels.items())
        parts = (
            self.short,
            f"the alert says: {self.text.rstrip('.')}",
            self.value and f"its expression: {self.value}",
            self.owner and f"owner: {self.owner}",
            self.runbook and f"runbook: {self.runbook}",
            labels and f"labels: {labels}",
            self.unread and f"not read: {'; '.join(self.unread)}",
        )
        return " · ".join(part for part in parts if part)


class Triage(Value):
    """Is it real, how bad is it, in plain words computed from data."""

    verdict: TriageVerdict
    severity: Severity
    service: ServiceName
    signal: Signal | None
    impact: str  # "1 in 8 payments requests is slower than 500 ms"
    reason: str
    missing: tuple[str, ...] = ()  # sources that could not be read
    began: datetime | None = None  # when the signal left its usual range, if it is seen
    asked: str = ""  # the model that was asked whether it should be stricter
    doubt: str = ""  # what it made stricter
    not_mine: NotMine | None = None  # it is given to a person at once
    broken: bool = False  # an objective is broken now, its own or a caller's
