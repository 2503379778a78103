"""Judges what a run left behind, from the store, the shop's journal and the bus alone."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from aiops_agent.bootstrap.application import application
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Ending, Incident, Status
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.payload import EventType
from aiops_agent.ports.store import Work
from aiops_agent.simulator.journal import Operation, effects
from tests.kill.job import TAKEN_BACK, Job

ONCE = (
    EventType.INCIDENT_OPENED,
    EventType.INCIDENT_RESOLVED,
    EventType.REPORT_WRITTEN,
)


def violations(job: Job) -> list[str]:
    """Return what is wrong with the end of a run; nothing when all promises were kept."""
    built = application(job.settings())
    try:
        with built.store.begin() as work:
            found = work.incidents.loaded()
            if len(found) != 1:
                return [f"{len(found)} incidents instead of one"]
            return list(_judged(job, work, found[0]))
    finally:
        built.close()


def told(job: Job) -> tuple[str, ...]:
    """Return the keys of everything that was told, refused answers apart."""
    built = application(job.settings())
    events = built.queries.events()
    built.close()
    return tuple(e.key for e in events if e.type is not EventType.APPROVAL_REFUSED)


def _judged(job: Job, work: Work, incident: Incident) -> Iterator[str]:
    acts = 2 if job.plot == TAKEN_BACK else 1
    shop = Path(job.folder) / "shops" / incident.environment.name
    done = effects(shop)
    armed = _armed(work, incident)
    yield from _ending(work, incident, acts)
    yield from _approvals(work, acts)
    yield from _effects(armed, done, 3 if job.plot == TAKEN_BACK else 1)
    yield from _events(work.events.after(0, limit=5000), acts)


def _ending(work: Work, incident: Incident, acts: int) -> Iterator[str]:
    if (incident.status, incident.ending) != (Status.RESOLVED, Ending.FIXED):
        yield f"ended as {incident.status} ({incident.ending}): {incident.note}"
    if len(incident.attempts) != acts:
        yield f"{len(incident.attempts)} attempts instead of {acts}"
    if work.inbox.waiting(10):
        yield "an alert still waits in the inbox"
    cases = [case for case in work.archive.cases("shop") if case.id == incident.id]
    if len(cases) != 1 or work.archive.postmortem(incident.id) is None:
        yield f"{len(cases)} cases in memory, or no report"


def _approvals(work: Work, acts: int) -> Iterator[str]:
    requests = work.approvals.listed()
    used = [request for request in requests if request.state is ApprovalState.USED]
    if len(requests) != acts or len(used) != acts:
        yield f"{len(requests)} requests and {len(used)} used approvals instead of {acts}"
    for short in used:
        request = work.approvals.get(short.id)
        decision = request and request.decision
        if request is None or decision is None or decision.digest != request.prepared.digest:
            yield f"{short.id} was used without a yes to its plan"


def _armed(work: Work, incident: Incident) -> list[Intent]:
    plans = [attempt.prepared.digest for attempt in incident.attempts if attempt.prepared]
    return [
        intent
        for plan in plans
        for undo in (False, True)
        for intent in work.ledger.of_plan(incident.id, plan, undo=undo)
    ]


def _effects(armed: list[Intent], done: tuple[Operation, ...], expected: int) -> Iterator[str]:
    counted = Counter(operation.id for operation in done)
    doubled = [name for name, times in counted.items() if times > 1]
    if doubled:
        yield f"done more than once: {doubled}"
    if len(done) != expected:
        yield f"{len(done)} effects in the shop instead of {expected}"
    recorded = {intent.operation for intent in armed if intent.state is IntentState.APPLIED}
    if recorded != set(counted):
        yield f"recorded as done {sorted(recorded)}, really done {sorted(counted)}"


def _events(events: tuple[Event, ...], acts: int) -> Iterator[str]:
    counted = Counter(event.type for event in events)
    keys = Counter(event.key for event in events)
    if len(keys) != len(events):
        yield "an event was told twice"
    for kind in ONCE:
        if counted[kind] != 1:
            yield f"{kind} told {counted[kind]} times"
    for kind in (EventType.APPROVAL_PENDING, EventType.APPROVAL_DECIDED, EventType.ACTION_FINISHED):
        if counted[kind] != acts:
            yield f"{kind} told {counted[kind]} times instead of {acts}"
    if [event.id for event in events] != sorted(event.id for event in events):
        yield "events out of order"
