"""The wall clock as the store knows it: time that went back makes open questions worthless.

The largest time ever seen is kept in the store. A clock that stands more than five seconds before
it was set back; then no answer counts, because an expired question would live again. What was open
is withdrawn and asked anew, and from then on the new time counts.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from aiops_agent.domain.approval import OPEN_APPROVALS, ApprovalRequest, ApprovalState
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import ApprovalError
from aiops_agent.domain.sending import CLOSED_FOR, ClockFlaws
from aiops_agent.ports.store import View, Work

CLOCK_SLACK = timedelta(seconds=5)  # clocks are disciplined by less; a jump further back counts
SET_BACK = "the clock was set back; nothing was run"
_AT_ONCE = 100  # questions in one look


def jumped(view: View, now: datetime) -> str:
    """Return why no answer counts at this moment, or ""."""
    latest = view.clock.latest()
    if latest is None or now >= latest - CLOCK_SLACK:
        return ""
    return f"The clock says {now:%Y-%m-%d %H:%M:%S}, but it was {latest:%Y-%m-%d %H:%M:%S} before."


def note(work: Work, now: datetime) -> datetime:
    """Keep the time if it is the largest so far; return the largest: no question lives longer."""
    latest = work.clock.latest()
    if latest is not None and now <= latest:
        return latest
    work.clock.put(now)
    return now


def judged(work: Work, wall: datetime) -> datetime:
    """Return the time by which what is permitted now is judged; raises ApprovalError when set back.

    It is the server's where it has a clock, and never before the largest that was seen.
    """
    now = work.clock.now(wall)
    if words := jumped(work, now):
        raise ApprovalError(words)
    return note(work, now)


def begin_anew(work: Work, now: datetime) -> tuple[ApprovalRequest, ...]:
    """Withdraw every open question and let this time count from now on; return what was open."""
    ended: list[ApprovalRequest] = []
    gone = {"state": ApprovalState.WITHDRAWN, "note": SET_BACK}
    while found := work.approvals.listed(states=OPEN_APPROVALS, limit=_AT_ONCE):
        for request in filter(None, (work.approvals.get(one.id) for one in found)):
            ended.append(request.model_copy(update=gone))
            work.approvals.change(ended[-1], was=request.state)
    work.clock.put(now)
    return tuple(ended)


def mend(work: Work, wall: datetime, environments: Iterable[EnvironmentRef]) -> ClockFlaws:
    """Take back what a clock that stood too far ahead has left behind; return what it was.

    `environments` are those whose time is wall time. What lay in the future counts as of now.
    """
    now, latest = work.clock.now(wall), work.clock.latest()
    ahead = latest if latest is not None and jumped(work, now) else None
    withdrawn = begin_anew(work, now) if ahead else ()
    actions, closed = 0, []
    for environment in environments:
        actions += work.sending.clip(environment, now)
        for one in work.sending.breakers():
            longest = now + CLOSED_FOR
            late = one.closed_until is not None and one.closed_until > longest + CLOCK_SLACK
            if late and one.environment == environment:
                work.sending.put(one.model_copy(update={"closed_until": longest}))
                closed.append(f"{one.service} in {environment}")
    return ClockFlaws(latest=ahead, questions=len(withdrawn), actions=actions, closed=tuple(closed))
