"""What comes in and what becomes of it: inbox, incidents, and the bus."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, Row, bindparam, insert, select, update

from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import COUNTERS, CURSORS, EVENTS, INBOX, INCIDENTS
from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.payload import EventType

_APART = {"id", "seen", "body"}  # of a delivery: columns of their own

# Built once: a story runs these at every step, and building a statement costs more than running it.
_INCIDENT = select(INCIDENTS.c.document).where(INCIDENTS.c.id == bindparam("wanted"))
_CHANGE_INCIDENT = (
    update(INCIDENTS)
    .where(INCIDENTS.c.id == bindparam("wanted"))
    .values({name: bindparam(name) for name in ("environment", "ended", "document")})
)
_KNOWN_EVENT = select(EVENTS.c.number).where(EVENTS.c.key == bindparam("wanted"))
_NEW_EVENT = insert(EVENTS)
_NEW_INCIDENT = insert(INCIDENTS)
_EVENTS_AFTER = (
    select(EVENTS.c.number, EVENTS.c.document)
    .where(EVENTS.c.number > bindparam("cursor"))
    .order_by(EVENTS.c.number)
    .limit(bindparam("most", type_=Integer))
)
_EVENTS_OF_INCIDENT = _EVENTS_AFTER.where(EVENTS.c.incident == bindparam("wanted"))


@dataclass(frozen=True)
class SqlInbox:
    """ports.store.Inbox in one transaction."""

    connection: Connection

    def keep(self, delivery: Delivery) -> Delivery:
        """Keep a body. The same bytes again count up `seen` and wait to be handled again."""
        same = (
            INBOX.c.source == delivery.source,
            INBOX.c.environment == delivery.environment,
            INBOX.c.digest == delivery.digest,
        )
        document = delivery.model_dump(mode="json", exclude=_APART)
        fresh = {
            "received_at": delivery.received_at,
            "rejected": delivery.rejected,
            "handled": False,
            "document": document,
        }
        again = update(INBOX).where(*same).values(seen=INBOX.c.seen + 1, **fresh)
        if self.connection.execute(again).rowcount == 0:
            row = insert(INBOX).values(
                source=delivery.source,
                environment=delivery.environment,
                digest=delivery.digest,
                body=delivery.body,
                seen=1,
                **fresh,
            )
            self.connection.execute(row)
        return _delivery(self.connection.execute(select(INBOX).where(*same)).one())

    def waiting(self, limit: int, *, environment: str | None = None) -> tuple[Delivery, ...]:
        """Return unhandled, unrejected deliveries (of one environment), oldest first."""
        here = () if environment is None else (INBOX.c.environment == environment,)
        query = (
            select(INBOX)
            .where(INBOX.c.handled.is_(False), INBOX.c.rejected == "", *here)
            .order_by(INBOX.c.received_at, INBOX.c.number)
            .limit(limit)
        )
        return tuple(_delivery(row) for row in self.connection.execute(query))

    def handled(self, delivery: int) -> None:
        """Mark a delivery as handled."""
        self.connection.execute(
            update(INBOX).where(INBOX.c.number == delivery).values(handled=True)
        )

    def rejected(self, limit: int) -> tuple[Delivery, ...]:
        """Return rejected deliveries, newest first."""
        query = (
            select(INBOX)
            .where(INBOX.c.rejected != "")
            .order_by(INBOX.c.received_at.desc(), INBOX.c.number.desc())
            .limit(limit)
        )
        return tuple(_delivery(row) for row in self.connection.execute(query))


def _delivery(row: Row[Any]) -> Delivery:
    return read(Delivery, row.document, id=row.number, seen=row.seen, body=row.body)


@dataclass(frozen=True)
class SqlIncidents:
    """ports.store.Incidents in one transaction."""

    connection: Connection

    def new_id(self) -> IncidentId:
        """Return the next free id, `INC-0001` and up; never the same twice once committed."""
        query = select(COUNTERS.c.value).where(COUNTERS.c.name == "incident")
        number = (self.connection.scalar(query) or 0) + 1
        put(self.connection, COUNTERS, {"name": "incident"}, {"value": number})
        return IncidentId(f"INC-{number:04d}")

    def get(self, incident: str) -> Incident | None:
        """Return one incident, or None."""
        document = self.connection.scalar(_INCIDENT, {"wanted": incident})
        return None if document is None else read(Incident, document)

    def put(self, incident: Incident) -> None:
        """Insert or replace one incident."""
        columns = {
            "environment": incident.environment,
            "ended": incident.ended,
            "document": incident.document(),
        }
        changed = self.connection.execute(_CHANGE_INCIDENT, {"wanted": incident.id, **columns})
        if not changed.rowcount:
            self.connection.execute(_NEW_INCIDENT, {"id": incident.id, **columns})

    def listed(
        self, *, environment: str | None = None, open_only: bool = False, limit: int = 100
    ) -> tuple[Incident, ...]:
        """Return incidents, newest first."""
        query = select(INCIDENTS.c.document).order_by(INCIDENTS.c.number.desc()).limit(limit)
        if environment is not None:
            query = query.where(INCIDENTS.c.environment == environment)
        if open_only:
            query = query.where(INCIDENTS.c.ended.is_(False))
        return tuple(read(Incident, document) for document in self.connection.scalars(query))


@dataclass(frozen=True)
class SqlEvents:
    """ports.store.Events in one transaction."""

    connection: Connection

    def append(self, event: Event) -> bool:
        """Append unless its key is known; say whether it was new."""
        if self.connection.scalar(_KNOWN_EVENT, {"wanted": event.key}) is not None:
            return False
        row = {
            "key": event.key,
            "incident": event.incident,
            "written_at": event.written_at,
            "document": event.document(),
        }
        self.connection.execute(_NEW_EVENT, row)
        return True

    def after(
        self, cursor: int, *, incident: str | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        """Return events with an id above `cursor`, oldest first; none is ever skipped."""
        query = _EVENTS_AFTER if incident is None else _EVENTS_OF_INCIDENT
        given = {"cursor": cursor, "most": limit, "wanted": incident}
        rows = self.connection.execute(query, given)
        return tuple(_event(row.document, row.number) for row in rows)

    def cursor(self, subscriber: str) -> int:
        """Return the id of the last event that a subscriber has done with; 0 when it is new."""
        query = select(CURSORS.c.event).where(CURSORS.c.subscriber == subscriber)
        return self.connection.scalar(query) or 0

    def advance(self, subscriber: str, cursor: int) -> None:
        """Move a subscriber's cursor forward; never back."""
        if cursor > self.cursor(subscriber):
            put(self.connection, CURSORS, {"subscriber": subscriber}, {"event": cursor})


def _event(document: Any, number: int) -> Event:
    """Rebuild an event; what another version wrote keeps its message and loses its payload."""
    try:
        return read(Event, document, id=number)
    except StoreError:
        # One unreadable payload must not stop everybody who reads the bus behind it.
        was = (document.get("payload") or {}).get("type")
        lost = {"type": EventType.UNREADABLE, "was": str(was)}
        return read(Event, {**document, "effort": None, "payload": lost}, id=number)
