"""Memory of the house: everything durable, always inside one transaction.

    with store.begin() as work:
        incident = work.incidents.get(id)
        work.incidents.put(incident.move(...))
        work.events.append(event)

Leaving the block commits all of it or, on an error, nothing. Calls are blocking; the store raises
StoreError when the database does not take or give a record.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.postmortem import PastIncident, Postmortem
from aiops_agent.domain.remediation import Intent, IntentState
from aiops_agent.domain.token import Token


class Inbox(Protocol):
    """Bodies received and not yet, or already, handled."""

    def keep(self, delivery: Delivery) -> Delivery:
        """Keep a body. The same bytes again count up `seen` and wait to be handled again."""
        ...

    def waiting(self, limit: int, *, environment: str | None = None) -> tuple[Delivery, ...]:
        """Return unhandled, unrejected deliveries (of one environment), oldest first."""
        ...

    def handled(self, delivery: int) -> None:
        """Mark a delivery as handled."""
        ...

    def rejected(self, limit: int) -> tuple[Delivery, ...]:
        """Return rejected deliveries, newest first."""
        ...


class Incidents(Protocol):
    """All incidents."""

    def new_id(self) -> IncidentId:
        """Return the next free id, `INC-0001` and up; never the same twice once committed."""
        ...

    def get(self, incident: str) -> Incident | None:
        """Return one incident, or None."""
        ...

    def put(self, incident: Incident) -> None:
        """Insert or replace one incident."""
        ...

    def listed(
        self, *, environment: str | None = None, open_only: bool = False, limit: int = 100
    ) -> tuple[Incident, ...]:
        """Return incidents, newest first."""
        ...


class Events(Protocol):
    """The bus: an append-only table, read from a cursor."""

    def append(self, event: Event) -> bool:
        """Append unless its key is known; say whether it was new."""
        ...

    def after(
        self, cursor: int, *, incident: str | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        """Return events with an id above `cursor`, oldest first; none is ever skipped."""
        ...

    def cursor(self, subscriber: str) -> int:
        """Return the id of the last event that a subscriber has done with; 0 when it is new."""
        ...

    def advance(self, subscriber: str, cursor: int) -> None:
        """Move a subscriber's cursor forward; never back."""
        ...


class Approvals(Protocol):
    """Requests for approval."""

    def get(self, request: str) -> ApprovalRequest | None:
        """Return one request, or None."""
        ...

    def latest(self, incident: str) -> ApprovalRequest | None:
        """Return the newest request of an incident, or None."""
        ...

    def listed(
        self, *, states: Sequence[ApprovalState] = (), limit: int = 100
    ) -> tuple[ApprovalRequest, ...]:
        """Return requests in these states (all when empty), newest first."""
        ...

    def ask(self, request: ApprovalRequest) -> ApprovalRequest:
        """Store a request unless its id is known; return the stored one."""
        ...

    def change(self, request: ApprovalRequest, *, was: ApprovalState) -> bool:
        """Replace the stored request if state is `was` and the digest is the same; say whether."""
        ...


class Ledger(Protocol):
    """Armed requests: the row is the permission to send."""

    def arm(self, intents: Sequence[Intent]) -> None:
        """Insert intents; one whose operation is known is left as it is."""
        ...

    def of_plan(self, incident: str, plan: str, *, undo: bool) -> tuple[Intent, ...]:
        """Return the intents of a plan in order."""
        ...

    def change(self, intent: Intent, *, was: IntentState) -> bool:
        """Replace the stored intent if its state is `was`; say whether."""
        ...


class Archive(Protocol):
    """Long-term memory."""

    def add(self, past: PastIncident, postmortem: Postmortem | None) -> None:
        """Insert or replace a case and its report."""
        ...

    def cases(self, family: str, limit: int = 1000) -> tuple[PastIncident, ...]:
        """Return cases of a family of environments, newest first."""
        ...

    def postmortem(self, incident: str) -> Postmortem | None:
        """Return the report of an incident, or None."""
        ...


class Tokens(Protocol):
    """Bearer tokens, kept as SHA-256 only."""

    def add(self, token: Token) -> None:
        """Add a token; raises UsageError when the name is taken."""
        ...

    def listed(self) -> tuple[Token, ...]:
        """Return all tokens, oldest first."""
        ...

    def revoke(self, name: str, at: datetime) -> None:
        """Revoke a token for ever; raises UsageError when there is none of that name."""
        ...


class Work(Protocol):
    """One transaction over everything durable."""

    @property
    def inbox(self) -> Inbox:
        """Bodies received."""
        ...

    @property
    def incidents(self) -> Incidents:
        """All incidents."""
        ...

    @property
    def events(self) -> Events:
        """The bus."""
        ...

    @property
    def approvals(self) -> Approvals:
        """Requests for approval."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Armed requests."""
        ...

    @property
    def archive(self) -> Archive:
        """Long-term memory."""
        ...

    @property
    def tokens(self) -> Tokens:
        """Bearer tokens."""
        ...

    def wake(self, incident: str, key: str) -> None:
        """Wake the story of an incident when this transaction commits; once per key."""
        ...


class Store(Protocol):
    """Opens transactions."""

    def begin(self) -> AbstractContextManager[Work]:
        """Open a transaction; leaving the block commits, an error rolls back."""
        ...
