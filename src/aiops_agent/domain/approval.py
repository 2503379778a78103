"""Policy's opinion and a person's answer, bound to the digest of what was shown."""

from datetime import datetime
from enum import StrEnum

from aiops_agent.domain.remediation import PreparedPlan
from aiops_agent.domain.value import Value


class Ruling(StrEnum):
    """What policy says; the strictest wins, and no rule at all means ASK."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


STRICTNESS = {Ruling.ALLOW: 0, Ruling.ASK: 1, Ruling.DENY: 2}


class Opinion(Value):
    """What one rule says of a plan, with its reason; `said` is for people and decides nothing."""

    rule: str
    ruling: Ruling
    reason: str
    said: tuple[str, ...] = ()


class Verdict(Value):
    """The strictest of all opinions; `opinions` holds every one that was given.

    `beside` is what was said and decides nothing: dissent, and objections that do not hold.
    """

    ruling: Ruling
    reason: str
    opinions: tuple[Opinion, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """The rule that decided, or 'default'."""
        decided = (o.rule for o in self.opinions if o.ruling is self.ruling)
        return next(decided, "default")


class ApprovalState(StrEnum):
    """Where a request for approval stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # recovered by itself, or the target changed
    USED = "used"  # armed: it cannot be used again


OPEN_APPROVALS = (ApprovalState.PENDING, ApprovalState.APPROVED)


class Surface(StrEnum):
    """Where an answer was given."""

    TERMINAL = "terminal"
    COMMAND = "command"  # `aiops approve` in any terminal
    FILE = "file"
    WEB = "web"
    SLACK = "slack"
    POLICY = "policy"
    FLAG = "flag"  # `--yes`, the shop only

    @property
    def by_person(self) -> bool:
        """Whether it shows that a person decided; a file may come from a program."""
        return self in (Surface.TERMINAL, Surface.COMMAND, Surface.WEB, Surface.SLACK)


class Decision(Value):
    """One answer as given: by whom, where, when, to exactly which digest."""

    digest: str
    approve: bool
    by: str
    surface: Surface
    at: datetime
    reason: str = ""


class RefusedAnswer(Value):
    """An answer that did not count, as the audit keeps it.

    `plan` is the digest as it was named, `approve` None where a file held neither yes nor no.
    """

    request: str
    incident: str
    plan: str = ""
    approve: bool | None = None
    by: str
    surface: Surface
    at: datetime
    reason: str = ""  # the person's
    why: str  # it does not count


class ApprovalSummary(Value):
    """What a list shows of a request; `actions` are the plan's steps as short lines."""

    id: str
    incident: str
    digest: str
    state: ApprovalState
    actions: tuple[str, ...]
    asked_at: datetime
    expires_at: datetime
    decision: Decision | None
    note: str


class ApprovalRequest(Value):
    """One plan waiting for one answer. Times are wall time."""

    id: str  # "INC-0042.1": incident and attempt
    incident: str
    digest: str
    prepared: PreparedPlan
    verdict: Verdict
    state: ApprovalState
    asked_at: datetime
    expires_at: datetime
    remind_at: datetime
    decision: Decision | None = None
    note: str = ""  # why it ended, when not by a decision
    way_back: str = ""  # SHA-256 of the requests that take it back, once these are armed

    @property
    def actions(self) -> tuple[str, ...]:
        """The plan's steps as short lines."""
        return tuple(step.action.text for step in self.prepared.steps)

    @property
    def in_short(self) -> ApprovalSummary:
        """What a list shows of it."""
        return ApprovalSummary.of({n: getattr(self, n) for n in ApprovalSummary.model_fields})
