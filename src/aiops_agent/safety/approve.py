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
from aiops_agent.ports.store import Work
from aiops_agent.safety import times

USE_WITHIN = timedelta(minutes=10)  # a yes that was not used for so long is void
CLOCK_SLACK = timedelta(seconds=5)  # a clock that goes back further makes its times worthless


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
    """End an unused request as expired or withdrawn; None when it has ended already."""
    if request.state not in OPEN_APPROVALS:
        return None
    ended = request.model_copy(update={"state": state, "note": note})
    return ended if work.approvals.change(ended, was=request.state) else None


def arm(work: Work, request: str, prepared: PreparedPlan, now: datetime) -> tuple[Intent, ...]:
    """Turn a valid yes into permission to send: use it up and write one intent per request.

    Called again after a crash it returns the same intents. Raises ApprovalError when there is no
    valid, unexpired, unused yes to exactly this plan, or a person took the incident over.
    """
    armed = work.ledger.of_plan(prepared.incident, prepared.digest, undo=False)
    if armed:
        return armed
    now = times.judged(work, now)
    found = work.approvals.get(request)
    incident = work.incidents.get(prepared.incident)
    if found is None or incident is None:
        raise ApprovalError(f"There is no approval {request}.")
    if flaw := _flaw(found, prepared, now):
        raise ApprovalError(flaw)
    if incident.takeover or incident.ended:
        raise ApprovalError(f"{incident.id} is not the agent's any more.")
    used = found.model_copy(update={"state": ApprovalState.USED})
    if not work.approvals.change(used, was=ApprovalState.APPROVED):
        raise ApprovalError(f"{request} was used in the same moment.")
    requests = [request for step in prepared.steps for request in step.requests]
    intents = intents_of(prepared, requests, now, undo=False)
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


def _flaw(found: ApprovalRequest, prepared: PreparedPlan, now: datetime) -> str:
    decision = found.decision
    if found.state is not ApprovalState.APPROVED or decision is None or not decision.approve:
        return f"{found.id} is not approved: {ending(found)}."
    if not found.digest == decision.digest == prepared.digest:
        return f"{found.id} was approved for another plan."
    if now >= decision.at + USE_WITHIN:
        return f"{found.id} was approved at {decision.at:%H:%M:%S} UTC and not used in time."
    if now < decision.at - CLOCK_SLACK:
        return f"The clock jumped back behind the approval of {found.id}."
    return ""
