"""May a send begin? What must hold when a plan is armed, and again at the first send of each part.

The checks take the open transaction that arms the plan or claims the send, so that nothing comes
between a check and what it allows. A reason is fit to be shown.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from aiops_agent.domain.approval import STRICTNESS, ApprovalRequest, ApprovalState, Ruling, Verdict
from aiops_agent.domain.errors import ApprovalError, NotPermitted, OnHold, OverLimit
from aiops_agent.domain.ledger import Intent, TargetClaim
from aiops_agent.domain.remediation import PreparedPlan, Request
from aiops_agent.domain.sending import Limits
from aiops_agent.domain.value import digest
from aiops_agent.ports.store import View, Work
from aiops_agent.safety import limits, times
from aiops_agent.safety.times import CLOCK_SLACK

USE_WITHIN = timedelta(minutes=10)  # a yes that is older begins nothing
EDITED = "the stored request is not the approved one: somebody changed the store"


def permitted(work: Work, found: ApprovalRequest, wall: datetime, use_within: timedelta) -> None:
    """Raise NotPermitted when nothing further of an approved plan may begin."""
    try:
        now = times.judged(work, wall)
    except ApprovalError as error:
        raise NotPermitted(str(error)) from error
    incident = work.incidents.get(found.incident)
    if incident is None or incident.ended:
        raise NotPermitted(f"{found.incident} has ended: it is not the agent's any more.")
    if incident.takeover:
        raise NotPermitted(f"{incident.id} was taken over: it is not the agent's any more.")
    if incident.regrouped or incident.merged_into:
        made = "its plan was made for other alerts"
        raise NotPermitted(f"{incident.id} was split or merged: {made}.")
    if why := late(found, now, use_within):
        raise NotPermitted(why)


def going(view: View, halted: str) -> None:
    """Raise OnHold while nothing at all may be sent, a repeat or an undo neither.

    `halted` is what the file says that stops sending when the store is away, "" without it.
    """
    if why := limits.stopped(view) or halted:
        raise OnHold(f"{why}.")


def late(found: ApprovalRequest, now: datetime, use_within: timedelta) -> str:
    """Return why a yes is too old, or from a clock that went back since; "" when it is neither."""
    decision = found.decision
    if decision is None or now >= decision.at + use_within:
        at = f"{decision.at:%H:%M:%S} UTC" if decision else "no time"
        return f"{found.id} was approved at {at} and not used in time."
    if now < decision.at - CLOCK_SLACK:
        return f"The clock jumped back behind the approval of {found.id}."
    return ""


def stricter(found: ApprovalRequest, verdict: Verdict) -> None:
    """Raise NotPermitted when policy, as it is now, does not let this yes count any more.

    A person's yes holds against everything but a denial, the yes of a rule only while rules allow.
    """
    most = found.verdict.ruling if found.verdict.ruling is Ruling.ALLOW else Ruling.ASK
    if STRICTNESS[verdict.ruling] > STRICTNESS[most]:
        said = "denies it" if verdict.ruling is Ruling.DENY else "wants a person to be asked"
        raise NotPermitted(f"policy {said} by now, rule {verdict.rule}: {verdict.reason}.")


def room(work: Work, prepared: PreparedPlan, at: datetime, given: Limits) -> None:
    """Count the actions of a plan that is armed now, or raise OverLimit; `at` is environment time.

    To be called in the transaction that arms, and once: an error takes the count back.
    """
    if why := limits.held(work, prepared, at, given):
        raise OverLimit(f"{why}.")
    limits.count(work, prepared, at)


def genuine(view: View, approval: str, intent: Intent) -> ApprovalRequest:
    """Return the used yes on which an armed row rests; NotPermitted when it is not that request.

    The row is compared with the plan, the plan with its digest, the digest with the answer.
    """
    found = view.approvals.get(approval)
    if found is None or found.state is not ApprovalState.USED or not bound(found, intent.plan):
        raise NotPermitted(f"{approval}: there is no used yes to the stored plan.")
    if intent.undo:
        armed = view.ledger.of_plan(intent.incident, intent.plan, undo=True)
        same = way_back(one.request for one in armed) == found.way_back
    else:
        planned = dict(enumerate(found.prepared.requests, start=1))
        same = planned.get(intent.ordinal) == intent.request
    own = (intent.request.operation, found.incident) == (intent.operation, intent.incident)
    if not (same and own):
        raise NotPermitted(f"{intent.operation}: {EDITED}.")
    return found


def bound(found: ApprovalRequest, plan: str) -> bool:
    """Whether the question, the answer and the stored plan all have this digest."""
    decision = found.decision
    yes = decision is not None and decision.approve and decision.digest == plan
    return yes and found.digest == plan == found.prepared.digest


def way_back(requests: Iterable[Request]) -> str:
    """Return the digest of the requests that take a plan back, in their order."""
    return digest("undo/v1", [request.document() for request in requests])


def claim(work: Work, prepared: PreparedPlan, now: datetime) -> None:
    """Claim every target of a plan for its incident, or raise OnHold: another one acts there.

    A claim ends with its incident, or when what was done is taken back.
    """
    if waits := claimed(work, prepared):
        raise OnHold(f"{waits[0]}.")
    for target in prepared.targets:
        work.ledger.claim(TargetClaim(target=target.key, incident=prepared.incident, at=now))


def claimed(view: View, prepared: PreparedPlan) -> tuple[str, ...]:
    """Return for each target that another incident is acting on, that the plan waits for it."""
    words = []
    for target in prepared.targets:
        known = view.ledger.claimed(target.key)
        holder = view.incidents.get(known.incident) if known else None
        if holder is not None and holder.id != prepared.incident and not holder.ended:
            words.append(
                f"{holder.id} is acting on {target.text}: this plan waits until it is done"
            )
    return tuple(words)


def free(view: View, found: ApprovalRequest, wall: datetime, use_within: timedelta) -> None:
    """Raise OnHold while another incident acts on a target of an approved plan.

    Before that is over, what the target is like says nothing about the plan. A yes that could not
    be used any more waits for nobody, and neither does an incident that a person took.
    """
    incident = view.incidents.get(found.incident)
    over = incident is None or incident.takeover or late(found, view.clock.now(wall), use_within)
    if not over and (waits := claimed(view, found.prepared)):
        raise OnHold(f"{waits[0]}.")
