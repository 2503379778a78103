"""May anything be sent, and how often: what the stop switch, the limits and the breakers say.

The functions take an open view or transaction. Those that judge return the reason why not, fit to
be shown, or "" when nothing speaks against it. An undo is held by the stop only.
"""

from collections import Counter
from datetime import datetime

from aiops_agent.domain.duration import spelled
from aiops_agent.domain.incident import Ending, Incident
from aiops_agent.domain.remediation import PreparedPlan
from aiops_agent.domain.sending import ActionLimit, Limits, ServiceBreaker, Standing
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.text import shell
from aiops_agent.ports.store import View, Work

_BAD = (Ending.FAILED, Ending.UNKNOWN)  # acted, and it is not known to have helped


def stopped(view: View) -> str:
    """Return why nothing at all may be sent: asked before every send, an undo's too."""
    standing = Standing(moves=view.sending.switched(1))
    return f"sending is {standing.stopped}" if standing.stopped else ""


def held(view: View, prepared: PreparedPlan, at: datetime, limits: Limits) -> str:
    """Return why this plan may not be armed now: a service is closed, or too much was done.

    `at` is the environment's time.
    """
    incident = view.incidents.get(prepared.incident)
    actions = Counter(_acted_on(prepared))
    names = dict.fromkeys([*actions, *([incident.service] if incident else [])])
    for name in names:
        breaker = view.sending.breaker(prepared.environment, name)
        if breaker.closed(at):
            return closed_words(breaker)
    for name, count in actions.items():
        before = view.sending.armed(prepared.environment, at - limits.per_service.within, name)
        if words := _beyond(str(name), before, count, "per_service", limits.per_service):
            return words
    since = at - limits.per_environment.within
    before = view.sending.armed(prepared.environment, since)
    here, most = str(prepared.environment), limits.per_environment
    return _beyond(here, before, actions.total(), "per_environment", most)


def count(work: Work, prepared: PreparedPlan, at: datetime) -> None:
    """Count the actions of a plan that is being armed, in the same transaction."""
    work.sending.count(prepared.environment, _acted_on(prepared), at)


def note_end(work: Work, incident: Incident, ending: Ending, at: datetime) -> None:
    """Tell the breakers how an incident ended: a failure counts, what was fixed is open again.

    Any other end says nothing of what our actions do to a service.
    """
    tried = [attempt.prepared for attempt in incident.attempts if attempt.outcome]
    if ending is Ending.FIXED:
        tried = tried[-1:]  # those before it did not help
    elif ending not in _BAD:
        return
    touched = (name for plan in tried if plan for name in _acted_on(plan))
    for name in dict.fromkeys([incident.service, *touched]):
        known = work.sending.breaker(incident.environment, name)
        now = known.mended() if ending is Ending.FIXED else known.failing(incident.id, at)
        if now != known:
            work.sending.put(now)


def closed_words(breaker: ServiceBreaker) -> str:
    """Say that a service is closed, why, until when, and what opens it."""
    until = f"{breaker.closed_until:%Y-%m-%d %H:%M:%S} UTC" if breaker.closed_until else ""
    failed = ", ".join(breaker.failed)
    opens = shell("aiops", "sending", "reset", breaker.service)
    why = f"{failed} failed in a row"
    return f"{breaker.service} is closed until {until}: {why} (`{opens}` opens it)"


def _acted_on(prepared: PreparedPlan) -> list[ServiceName]:
    """Return the service of each action that sends anything."""
    return [step.action.target.service for step in prepared.steps if step.requests]


def _beyond(name: str, before: int, more: int, setting: str, limit: ActionLimit) -> str:
    if before + more <= limit.most:
        return ""
    did = f"{before} action{'' if before == 1 else 's'} within {spelled(limit.within)}"
    wants = f", this plan has {more}" if more > 1 or not before else ""
    return f"{name} had {did}{wants}; policy.limits.{setting} allows {limit}"
