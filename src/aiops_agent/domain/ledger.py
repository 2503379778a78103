"""The ledger: every request that may be sent, and what became of it."""

from datetime import datetime
from enum import StrEnum

from aiops_agent.domain.remediation import Request
from aiops_agent.domain.value import Value


class IntentState(StrEnum):
    """What the ledger knows of one armed request."""

    ARMED = "armed"  # may be sent
    SENDING = "sending"  # a send began; whether it landed is not known yet
    APPLIED = "applied"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Intent(Value):
    """One row of the ledger: the permission to send one request, and what became of it.

    `plan` is the digest of the approved plan; `undo` marks requests that take it back. `armed_at`
    is wall time. `made` is what applying it made or left, as the platform names it: the only proof
    that something is ours.
    """

    operation: str
    incident: str
    plan: str
    ordinal: int
    undo: bool
    request: Request
    state: IntentState
    armed_at: datetime
    sends: int = 0
    begun: bool = False  # an earlier send may have left: what follows is a repeat, no first send
    note: str = ""
    made: str = ""


class ArmedPlan(Value):
    """A plan, or the way back of one, of which a request may yet be sent; `plan` is its digest."""

    incident: str
    plan: str
    undo: bool


class TargetClaim(Value):
    """One incident acts on one target; a second one waits. `target` is `Target.key`."""

    target: str
    incident: str
    at: datetime  # wall time
