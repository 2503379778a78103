"""Everything durable, always inside one transaction.

    with store.begin() as work:
        incident = work.incidents.get(id)
        work.incidents.put(incident.move(...))
        work.events.append(event)

Leaving the block commits all of it or, on an error, nothing. Whoever only reads opens a view:

    with store.read() as view:
        incident = view.incidents.get(id)

A view is one moment of the store: it waits for no writer, holds up none, and cannot write. Calls
are blocking; the store raises StoreError when the database does not take or give a record.
"""

# limit: one page says all that is durable, so that a second store can be written from it.

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiops_agent.domain.alert import AlertList, IncidentAlert
from aiops_agent.domain.answer import Usage
from aiops_agent.domain.approval import (
    ApprovalRequest,
    ApprovalState,
    ApprovalSummary,
    RefusedAnswer,
)
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident, IncidentId, IncidentSummary, Status
from aiops_agent.domain.ledger import ArmedPlan, Intent, IntentState, TargetClaim
from aiops_agent.domain.model import CallSummary, ModelCall, Spending
from aiops_agent.domain.sending import ServiceBreaker, Switch
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.token import Token
from aiops_agent.ports.archive import Archive, ArchiveView
from aiops_agent.ports.heartbeat import Heartbeats, HeartbeatsView
from aiops_agent.ports.inbox import Inbox, InboxView
from aiops_agent.ports.lease import Leases, LeasesView
from aiops_agent.ports.outbox import Outbox, OutboxView
from aiops_agent.ports.preparation import Preparations, PreparationsView
from aiops_agent.ports.release import GoodReleases, GoodReleasesView
from aiops_agent.ports.watch import Watches, WatchesView


class IncidentsView(Protocol):
    """All incidents."""

    def get(self, incident: str) -> Incident | None:
        """Return one incident, or None."""

    def listed(
        self,
        *,
        environment: EnvironmentRef | None = None,
        open_only: bool = False,
        before: str = "",
        limit: int = 100,
    ) -> tuple[IncidentSummary, ...]:
        """Return summaries, newest first, from the one behind the incident `before` on."""

    def active_ids(self, environment: EnvironmentRef) -> tuple[IncidentId, ...]:
        """Return all incidents of an environment with a story to live, oldest first."""

    def environments(self) -> tuple[EnvironmentRef, ...]:
        """Return the environments with incidents that have a story to live."""

    def about(
        self, environment: EnvironmentRef, services: Collection[str], since: datetime
    ) -> tuple[Incident, ...]:
        """Return the unended incidents of these services opened since then, newest first."""

    def loaded(
        self,
        *,
        environment: EnvironmentRef | None = None,
        open_only: bool = False,
        limit: int = 100,
    ) -> tuple[Incident, ...]:
        """Return whole incidents, newest first."""

    def unended(self) -> Mapping[Status, int]:
        """Return how many incidents that have not ended stand in each status."""

    def old(self, before: datetime, limit: int) -> tuple[IncidentId, ...]:
        """Return inactive incidents, not yet condensed, whose events all came before then."""


class Incidents(IncidentsView, Protocol):
    """The same, to be changed."""

    def new_id(self) -> IncidentId:
        """Return the next free id, `INC-0001` and up; never the same twice once committed."""

    def put(self, incident: Incident) -> None:
        """Insert or replace one incident."""


class AlertsView(Protocol):
    """The alerts of incidents, each with everything that it brought."""

    def newest(
        self, environment: EnvironmentRef, keys: Collection[str]
    ) -> Mapping[str, IncidentAlert]:
        """Return known alerts by key; one that several incidents had, as of the newest of them."""

    def of_incident(self, incident: str, limit: int = 100) -> AlertList:
        """Return the alerts of an incident in the order in which they joined it."""


class Alerts(AlertsView, Protocol):
    """The same, to be changed."""

    def put(self, environment: EnvironmentRef, alerts: Sequence[IncidentAlert]) -> None:
        """Insert or replace alerts, each once, by incident and key."""

    def move(self, incident: str, keys: Collection[str], to: str) -> None:
        """Make alerts of one incident those of another; one that it has already stays its own."""


class EventsView(Protocol):
    """The bus: an append-only table, read from a cursor."""

    def after(
        self, cursor: int, *, incident: str | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        """Return events with an id above `cursor`, oldest first; none is ever skipped."""

    def last(self) -> int:
        """Return the id of the newest event; 0 when there is none."""

    def cursor(self, subscriber: str) -> int:
        """Return the id of the last event that a subscriber has done with; 0 when it is new."""


class Events(EventsView, Protocol):
    """The same, to be changed."""

    def append(self, event: Event) -> bool:
        """Append unless its key is known; say whether it was new."""

    def append_all(self, events: Sequence[Event]) -> None:
        """Append in their order those whose key is not known: many cost little more than one."""

    def condense(self, incident: str) -> None:
        """Keep of an incident's events what `Event.condensed` leaves, each under its id."""

    def advance(self, subscriber: str, cursor: int) -> None:
        """Move a subscriber's cursor forward; never back."""


class ApprovalsView(Protocol):
    """Requests for approval."""

    def get(self, request: str) -> ApprovalRequest | None:
        """Return one request, or None."""

    def latest(self, incident: str) -> ApprovalRequest | None:
        """Return the newest request of an incident, or None."""

    def listed(
        self, *, states: Sequence[ApprovalState] = (), before: str = "", limit: int = 100
    ) -> tuple[ApprovalSummary, ...]:
        """Return summaries in these states (all when empty), newest first, behind `before`."""

    def pending(self) -> int:
        """Return how many requests wait for an answer."""

    def named(self, prefix: str) -> tuple[str, ...]:
        """Return the digests of open requests that begin with these lower-case hex digits."""

    def refused(self, *, incident: str = "", limit: int = 100) -> tuple[RefusedAnswer, ...]:
        """Return answers that did not count (to one incident's requests), newest first."""


class Approvals(ApprovalsView, Protocol):
    """The same, to be changed."""

    def ask(self, request: ApprovalRequest) -> ApprovalRequest:
        """Store a request unless its id is known; return the stored one."""

    def change(self, request: ApprovalRequest, *, was: ApprovalState) -> bool:
        """Replace the stored request if state is `was` and the digest is the same; say whether."""

    def refuse(self, answer: RefusedAnswer) -> None:
        """Keep an answer that does not count; nothing that shows an incident reads it."""


class LedgerView(Protocol):
    """Armed requests: the row is the permission to send."""

    def of_plan(self, incident: str, plan: str, *, undo: bool) -> tuple[Intent, ...]:
        """Return the intents of a plan in order; Tampered when a row contradicts itself."""

    def claimed(self, target: str) -> TargetClaim | None:
        """Return who claimed a target last, or None."""

    def unsettled(self) -> tuple[ArmedPlan, ...]:
        """Return the plans of which a row may yet be sent, in the order in which they were armed.

        It reads no document, so that a row which somebody changed hides no other.
        """


class Ledger(LedgerView, Protocol):
    """The same, to be changed."""

    def arm(self, intents: Sequence[Intent]) -> None:
        """Insert intents; one whose operation is known is left as it is."""

    def claim(self, claim: TargetClaim) -> None:
        """Insert or replace the claim on a target."""

    def release(self, incident: str) -> None:
        """End all claims of an incident."""

    def change(self, intent: Intent, *, was: IntentState) -> bool:
        """Replace the stored intent if its state is `was`; say whether."""


class SendingView(Protocol):
    """Whether anything may be sent, and how much was armed."""

    def switched(self, limit: int = 100) -> tuple[Switch, ...]:
        """Return the moves of the stop switch, newest first: the newest one counts."""

    def armed(
        self, environment: EnvironmentRef, since: datetime, service: ServiceName | None = None
    ) -> int:
        """Return how many actions were armed later than `since` (environment time)."""

    def breakers(self) -> tuple[ServiceBreaker, ...]:
        """Return the breakers of all services that ever failed."""

    def breaker(self, environment: EnvironmentRef, service: ServiceName) -> ServiceBreaker:
        """Return the breaker of a service; an untouched one when it never failed."""


class Sending(SendingView, Protocol):
    """The same, to be changed."""

    def switch(self, move: Switch) -> None:
        """Add a move of the stop switch."""

    def count(
        self, environment: EnvironmentRef, services: Sequence[ServiceName], at: datetime
    ) -> None:
        """Count one armed action per name, at this moment of the environment's time."""

    def clip(self, environment: EnvironmentRef, at: datetime) -> int:
        """Let no action count as armed later than this moment; return how many did."""

    def put(self, breaker: ServiceBreaker) -> None:
        """Insert or replace the breaker of a service."""


class StoreClockView(Protocol):
    """The wall clock as the store knows it; questions and answers are judged by it."""

    def now(self, wall: datetime) -> datetime:
        """Return the present time: that of the database's server, or `wall` where it has none."""

    def latest(self) -> datetime | None:
        """Return the largest time that was noted."""


class StoreClock(StoreClockView, Protocol):
    """The same, to be changed."""

    def put(self, at: datetime) -> None:
        """Note a time as the largest one, also when a larger one was noted."""


class ModelCallsView(Protocol):
    """What was sent to language models, and what came back."""

    def of_incident(self, incident: str, limit: int = 1000) -> tuple[ModelCall, ...]:
        """Return the newest calls of an incident, oldest first."""

    def answered(self, incident: str, about: str) -> ModelCall | None:
        """Return the newest answered call of an incident about the same, or None."""

    def after(self, cursor: int, limit: int = 500) -> tuple[CallSummary, ...]:
        """Return calls in short with a number above `cursor`, oldest first; none is skipped."""

    def spent(self, *, incident: str = "", since: datetime | None = None) -> Usage:
        """Return what calls used up, of an incident or since a moment of wall time, or of all."""

    def spending(self, *, incident: str = "", since: datetime | None = None) -> Spending:
        """Return the same with the money of known price and the seconds."""


class ModelCalls(ModelCallsView, Protocol):
    """The same, to be changed."""

    def keep(self, call: ModelCall) -> None:
        """Keep a call."""

    def condense(self, incident: str) -> None:
        """Keep of an incident's calls what `ModelCall.condensed` leaves."""

    def prune(self, then: datetime, limit: int) -> int:
        """Remove so many calls before then that belong to no incident; return how many."""


class TokensView(Protocol):
    """Bearer tokens, kept as SHA-256 only."""

    def listed(self) -> tuple[Token, ...]:
        """Return all tokens, oldest first."""


class Tokens(TokensView, Protocol):
    """The same, to be changed."""

    def add(self, token: Token) -> None:
        """Add a token; raises UsageError when the name is taken."""

    def revoke(self, name: str, at: datetime) -> None:
        """Revoke a token for ever; raises UsageError when there is none of that name."""


@dataclass(frozen=True)
class View:
    """One moment of everything durable; it cannot write."""

    inbox: InboxView
    incidents: IncidentsView
    alerts: AlertsView
    events: EventsView
    outbox: OutboxView
    approvals: ApprovalsView
    ledger: LedgerView
    sending: SendingView
    clock: StoreClockView
    archive: ArchiveView
    tokens: TokensView
    calls: ModelCallsView
    leases: LeasesView
    heartbeats: HeartbeatsView
    watches: WatchesView
    releases: GoodReleasesView
    preparations: PreparationsView


@dataclass(frozen=True)
class Work(View):
    """One transaction over everything durable.

    `wake(story, key)` wakes that story of an incident when it commits; once per key.
    """

    inbox: Inbox
    incidents: Incidents
    alerts: Alerts
    events: Events
    outbox: Outbox
    approvals: Approvals
    ledger: Ledger
    sending: Sending
    clock: StoreClock
    archive: Archive
    tokens: Tokens
    calls: ModelCalls
    leases: Leases
    heartbeats: Heartbeats
    watches: Watches
    releases: GoodReleases
    preparations: Preparations
    wake: Callable[[str, str], None]


class Reader(Protocol):
    """Opens views."""

    def read(self) -> AbstractContextManager[View]:
        """Open a view of this moment, without waiting for a transaction that is open."""


class Store(Reader, Protocol):
    """Opens views and transactions."""

    def begin(self) -> AbstractContextManager[Work]:
        """Open a transaction; leaving the block commits, an error rolls back."""
