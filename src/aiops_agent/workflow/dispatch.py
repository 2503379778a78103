"""What a receiver is told next: events become entries of its outbox, and what is true still goes.

Nothing is dropped silently: each entry ends as told, superseded or given up, and the bus says so.
All times are wall time, by the store's clock: as when questions expire.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.domain.approval import ApprovalState, ApprovalSummary
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.event import Event
from aiops_agent.domain.notice import Occasion, Receipt
from aiops_agent.domain.outbox import MAX_AGE, OutboxEntry, OutboxState
from aiops_agent.domain.payload import (
    ApprovalPending,
    ApprovalReminder,
    EventType,
    IncidentEnd,
    IncidentOpened,
    IncidentReopened,
    PeopleTold,
)
from aiops_agent.ports.store import View, Work
from aiops_agent.workflow.deps import Deps, found, opened

_OCCASIONS = {
    EventType.APPROVAL_PENDING: Occasion.APPROVAL_NEEDED,
    EventType.APPROVAL_REMINDER: Occasion.REMINDER,
    EventType.INCIDENT_RESOLVED: Occasion.RESOLVED,
    EventType.INCIDENT_ESCALATED: Occasion.ESCALATED,
    EventType.INCIDENT_DISMISSED: Occasion.DISMISSED,
    EventType.INCIDENT_REOPENED: Occasion.FIRES_AGAIN,
}
PER_MINUTE = 5  # notices that go alone; more are gathered
MINUTE = timedelta(minutes=1)  # at most one digest in it
GATHER = timedelta(seconds=10)  # what comes together is told together
DIGEST_MOST = 250  # notices of one digest
_AT_ONCE = 50  # entries that end in one transaction: others get their turn
_PAGE = 100  # questions in one look
REPLACED = "a newer notice of the incident took its place"


@dataclass(frozen=True)
class Dispatch:
    """The outbox of one receiver; each method is one transaction or a few, and safe to repeat."""

    deps: Deps
    receiver: str
    environments: frozenset[EnvironmentRef]

    def begin(self) -> None:
        """Begin where the bus is now, when it was never read: of the past only what still waits."""
        if self.stopped():
            return
        with self.deps.store.begin() as work:
            # At least 1, also on an empty bus: the next start must not take itself for the first
            # one. The first event of all tells of an alert.
            work.events.advance(self._subscriber, max(work.events.last(), 1))
            for request in _waiting(work):
                self._ask_again(work, request)

    def stopped(self) -> int:
        """Return the id of the last event that was read."""
        with self.deps.store.read() as view:
            return view.events.cursor(self._subscriber)

    def take(self, events: tuple[Event, ...]) -> None:
        """Keep what is to be told of them, and that they were read: both or neither."""
        with self.deps.store.begin() as work:
            for event in events:
                if (entry := self._entry(work, event)) is not None:
                    self._add(work, entry)
            work.events.advance(self._subscriber, events[-1].id)

    def next(self) -> tuple[OutboxEntry, ...]:
        """Return what goes now as one message, () when nothing does."""
        while self._due():
            with self.deps.store.begin() as work:
                now = self._now(work)
                chosen = self._chosen(work, now)
                going = tuple(one for one in chosen if self._stands(work, one, now))
            if going or not chosen:
                return going
        return ()

    def told(self, entries: tuple[OutboxEntry, ...], receipt: Receipt) -> None:
        """Record that these were told."""
        for some in _portions(entries):
            with self.deps.store.begin() as work:
                for entry in some:
                    self._end(work, entry, OutboxState.TOLD, "", receipt)

    def failed(self, entries: tuple[OutboxEntry, ...], why: str, *, retry: bool) -> None:
        """Let these wait for their next try, or give them up where it cannot help."""
        for some in _portions(entries):
            with self.deps.store.begin() as work:
                for entry in some:
                    if retry:
                        work.outbox.put(entry.failed(why, self._now(work)))
                    else:
                        self._end(work, entry, OutboxState.GIVEN_UP, why)

    def now(self) -> datetime:
        """Return the present time by the store's clock."""
        with self.deps.store.read() as view:
            return self._now(view)

    def _due(self) -> bool:
        # Most looks find nothing, and wait for no writer then.
        with self.deps.store.read() as view:
            return bool(view.outbox.due(self.receiver, self._now(view)))

    def _now(self, view: View) -> datetime:
        return view.clock.now(self.deps.now())

    def _chosen(self, work: Work, now: datetime) -> tuple[OutboxEntry, ...]:
        """Return what would be the next message; a new digest is put together and kept."""
        for entry in work.outbox.due(self.receiver, now, urgent=True):
            return (_sealed(work, entry, ""),)
        due = work.outbox.due(self.receiver, now, limit=DIGEST_MOST)
        # Kept before it is tried: after a crash the same digest goes again under its key.
        begun = next((one.message for one in due if one.message), "")
        if begun:
            return work.outbox.waiting(self.receiver, message=begun)  # whole, or none of it
        alone, together = work.outbox.told(self.receiver, now - MINUTE, now)
        if alone < PER_MINUTE:
            return due[:1]
        young = bool(due) and timedelta() <= now - due[0].born_at < GATHER
        if together or young:
            return ()
        return tuple(_sealed(work, one, f"digest:{due[0].key}") for one in due)

    def _stands(self, work: Work, entry: OutboxEntry, now: datetime) -> bool:
        """Whether it is true and worth telling; ends it when it is not."""
        if why := obsolete(work, entry, now):
            self._end(work, entry, OutboxState.SUPERSEDED, why)
        elif entry.too_old(now):
            hours = MAX_AGE[entry.occasion] // timedelta(hours=1)
            why = f"not told within {hours} h: {entry.why or 'nobody read the bus'}"
            self._end(work, entry, OutboxState.GIVEN_UP, why)
        else:
            return True
        return False

    def _entry(self, view: View, event: Event) -> OutboxEntry | None:
        occasion = _occasion(event)
        if occasion is None or event.environment not in self.environments:
            return None
        said = event.payload
        # That question and no other: a later one has a notice of its own.
        asked = said if isinstance(said, ApprovalPending | ApprovalReminder) else None
        return OutboxEntry(
            receiver=self.receiver,
            key=event.key,
            occasion=occasion,
            incident=event.incident,
            environment=event.environment,
            severity=found(view, event.incident).severity,
            request=asked.approval if asked else "",
            expires_at=asked.expires_at if asked else None,
            what=event.message,
            born_at=event.written_at,
            at=self._now(view),
        )

    def _ask_again(self, work: Work, request: ApprovalSummary) -> None:
        """Keep a question that was put before there was this receiver."""
        incident = found(work, request.incident)
        if incident.environment not in self.environments:
            return
        kind = EventType.APPROVAL_PENDING
        entry = OutboxEntry(
            receiver=self.receiver,
            key=f"{incident.id}:{kind}:{request.id}",  # as that of its event
            occasion=Occasion.APPROVAL_NEEDED,
            incident=incident.id,
            environment=incident.environment,
            severity=incident.severity,
            request=request.id,
            expires_at=request.expires_at,
            what=f"plan {request.digest[:12]} waits for a yes or a no",
            born_at=request.asked_at,
            at=self._now(work),
        )
        self._add(work, entry)

    def _add(self, work: Work, entry: OutboxEntry) -> None:
        if work.outbox.add(entry):
            self._supersede(work, entry)

    def _supersede(self, work: Work, entry: OutboxEntry) -> None:
        """End what waits of the same incident: the newest says how it stands."""
        for older in work.outbox.waiting(self.receiver, incident=entry.incident):
            if older.key != entry.key:
                self._end(work, older, OutboxState.SUPERSEDED, REPLACED)

    def _end(
        self,
        work: Work,
        entry: OutboxEntry,
        state: OutboxState,
        why: str,
        receipt: Receipt | None = None,
    ) -> None:
        """End an entry, and say it on the bus: a page that nobody got is an event too."""
        now = self._now(work)
        work.outbox.put(entry.model_copy(update={"state": state, "why": why, "at": now}))
        payload = PeopleTold(
            channel=self.receiver,
            occasion=entry.occasion,
            receipt=receipt,
            failed=why if state is OutboxState.GIVEN_UP else "",
            superseded=why if state is OutboxState.SUPERSEDED else "",
        )
        did = {OutboxState.GIVEN_UP: f"NOT told ({why})", OutboxState.TOLD: "told"}
        words = did.get(state, f"not told any more ({why})")
        kind = entry.occasion.replace("_", " ")
        message = f"{words} by {self.receiver}: {kind}"
        key = f"{self.receiver}:{entry.key}"
        opened(self.deps, work, entry.incident, now).tell(payload, message, key)

    @property
    def _subscriber(self) -> str:
        return f"notify:{self.receiver}"


def _occasion(event: Event) -> Occasion | None:
    """Return when people are told of an event; None when they are not, or know it already."""
    said = event.payload
    if isinstance(said, IncidentOpened):
        return Occasion.FIRES_AGAIN if said.after and not said.quiet else None
    known = isinstance(said, IncidentEnd) and said.quiet
    own = isinstance(said, IncidentReopened) and said.by  # whoever did it knows
    return None if known or own else _OCCASIONS.get(event.type)


def obsolete(view: View, entry: OutboxEntry, now: datetime) -> str:
    """Return why an entry that puts a question is no longer true, or ""."""
    if not entry.request:
        return ""
    asked = view.approvals.get(entry.request)
    if asked is None or asked.state is not ApprovalState.PENDING:
        return f"the question is {asked.state if asked else 'gone'} by now"
    if max(now, view.clock.latest() or now) >= asked.expires_at:
        return "the question expired before it was told"
    incident = found(view, entry.incident)
    over = incident.takeover or incident.ended
    return "the incident is not the agent's any more" if over else ""


def _sealed(work: Work, entry: OutboxEntry, message: str) -> OutboxEntry:
    """Return an entry that goes with that digest, alone when "", kept so."""
    if entry.message == message:
        return entry
    sealed = entry.model_copy(update={"message": message})
    work.outbox.put(sealed)
    return sealed


def _waiting(view: View) -> Iterator[ApprovalSummary]:
    """Yield all questions that wait for an answer."""
    before = ""
    while asked := view.approvals.listed(
        states=(ApprovalState.PENDING,), before=before, limit=_PAGE
    ):
        yield from asked
        before = asked[-1].id


def _portions(entries: tuple[OutboxEntry, ...]) -> Iterable[tuple[OutboxEntry, ...]]:
    return (entries[start : start + _AT_ONCE] for start in range(0, len(entries), _AT_ONCE))
