"""Who said what to which plan: every move of an approval, each one compare-and-set.

The functions take an open transaction; the caller commits. A move that does not count raises
ApprovalError with a reason fit to be shown.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from aiops_agent.domain.approval import (
    OPEN_APPROVALS,
    ApprovalRequest,
    ApprovalState,
    Decision,
    Surface,
)
from aiops_agent.domain.errors import ApprovalError
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.remediation import PreparedPlan, Request
from aiops_agent.ports.store import View, Work
from aiops_agent.safety import permit, times
from aiops_agent.safety.permit import USE_WITHIN
from aiops_agent.safety.times import CLOCK_SLACK


def decide(work: Work, request: ApprovalRequest, decision: Decision) -> ApprovalRequest:
    """Give a pending request its one answer, or raise ApprovalError."""
    if not decision.by.strip():
        raise ApprovalError(f"Nobody is named as the approver of {request.id}.")
    if request.state is not ApprovalState.PENDING:
        raise ApprovalError(f"{request.id} is not waiting any more: {ending(request)}.")
    if decision.digest != request.digest:
        meant = f"The answer is for plan {decision.digest[:12]}"
        raise ApprovalError(f"{meant}, but {request.id} is plan {request.digest[:12]}.")
    if decision.at >= request.expires_at:
        raise ApprovalError(f"{request.id} expired at {request.expires_at:%H:%M:%S} UTC.")
    if jumped_back(request, decision.at):
        raise ApprovalError(f"The clock jumped back behind the question of {request.id}.")
    state = ApprovalState.APPROVED if decision.approve else ApprovalState.REJECTED
    answered = request.model_copy(update={"state": state, "decision": decision})
    if not work.approvals.change(answered, was=ApprovalState.PENDING):
        raise ApprovalError(f"{request.id} was decided elsewhere in the same moment.")
    return answered


def end(
    work: Work, request: ApprovalRequest, state: ApprovalState, note: str
) -> ApprovalRequest | None:
    """End an unused request as expired or withdrawn; None when it has ended already.

    One that was armed, and of which nothing was begun, is unused too.
    """
    if request.state not in OPEN_APPROVALS and not _unsent(work, request):
        return None
    ended = request.model_copy(update={"state": state, "note": note})
    return ended if work.approvals.change(ended, was=request.state) else None


def arm(
    work: Work,
    request: str,
    prepared: PreparedPlan,
    now: datetime,
    use_within: timedelta = USE_WITHIN,
) -> tuple[Intent, ...]:
    """Turn a valid yes into permission to send: use it up and write one intent per request.

    Called again after a crash it returns the same intents. Raises ApprovalError when there is no
    valid, unexpired, unused yes to exactly this plan; NotPermitted when it may not begin by now,
    OnHold while sending is stopped or another incident acts on a target.
    """
    armed = work.ledger.of_plan(prepared.incident, prepared.digest, undo=False)
    if armed:
        return armed
    now = times.judged(work, now)
    found = work.approvals.get(request)
    if found is None:
        raise ApprovalError(f"There is no approval {request}.")
    if flaw := _flaw(found, prepared, now, use_within):
        raise ApprovalError(flaw)
    permit.permitted(work, found, now, use_within)
    permit.claim(work, prepared, now)
    used = found.model_copy(update={"state": ApprovalState.USED})
    if not work.approvals.change(used, was=ApprovalState.APPROVED):
        raise ApprovalError(f"{request} was used in the same moment.")
    intents = intents_of(prepared, prepared.requests, now, undo=False)
    work.ledger.arm(intents)
    return intents


def arm_undo(
    work: Work, prepared: PreparedPlan, requests: Sequence[Request], now: datetime
) -> tuple[Intent, ...]:
    """Write one intent per request that takes a plan back, and bind them to its used yes.

    Called again after a crash it returns what was armed first.
    """
    if armed := work.ledger.of_plan(prepared.incident, prepared.digest, undo=True):
        return armed
    intents = intents_of(prepared, requests, now, undo=True)
    found = work.approvals.get(prepared.approval)
    if found is not None:
        bound = found.model_copy(update={"way_back": permit.way_back(requests)})
        work.approvals.change(bound, was=found.state)
    work.ledger.arm(intents)
    return intents


def intents_of(
    prepared: PreparedPlan, requests: Sequence[Request], now: datetime, *, undo: bool
) -> tuple[Intent, ...]:
    """Return one armed intent per request that the plan, or taking it back, needs, in order."""
    return tuple(
        Intent(
            operation=request.operation,
            incident=prepared.incident,
            plan=prepared.digest,
            ordinal=ordinal,
            undo=undo,
            request=request,
            state=IntentState.ARMED,
            armed_at=now,
        )
        for ordinal, request in enumerate(requests, start=1)
    )


def jumped_back(request: ApprovalRequest, now: datetime) -> bool:
    """Whether the clock stands before the question, so that its expiry means nothing."""
    return now < request.asked_at - CLOCK_SLACK


def ending(request: ApprovalRequest) -> str:
    """Say how a request ended, naming nobody: "approved by a person (terminal) at 03:04:31 UTC"."""
    decision = request.decision
    if decision is None:
        return f"{request.state}{': ' + request.note if request.note else ''}"
    said = "approved" if decision.approve else "rejected"
    # A flag given beforehand is not a person, and a rule has no name to hide.
    by = {Surface.POLICY: decision.by, Surface.FLAG: "--yes"}.get(decision.surface, "a person")
    text = f"{said} by {by} ({decision.surface}) at {decision.at:%H:%M:%S} UTC"
    if request.state in (ApprovalState.EXPIRED, ApprovalState.WITHDRAWN):
        return f"{text}, then {request.state}: {request.note}"
    return f"{text} and used" if request.state is ApprovalState.USED else text


def _flaw(
    found: ApprovalRequest, prepared: PreparedPlan, now: datetime, use_within: timedelta
) -> str:
    decision = found.decision
    if found.state is not ApprovalState.APPROVED or decision is None or not decision.approve:
        return f"{found.id} is not approved: {ending(found)}."
    if not permit.bound(found, prepared.digest):
        return f"{found.id} was approved for another plan."
    return permit.late(found, now, use_within)


def _unsent(view: View, request: ApprovalRequest) -> bool:
    """Whether a request was used and then nothing of it was begun."""
    armed = view.ledger.of_plan(request.incident, request.digest, undo=False)
    skipped = bool(armed) and all(one.state is IntentState.SKIPPED for one in armed)
    return request.state is ApprovalState.USED and skipped
