"""The bus, and how far each subscriber has read it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from aiops_agent.adapters.sql.plain import dumps
from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import CURSORS, EVENTS
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.event import Event
from aiops_agent.domain.payload import EventType, QuestionAnswered

# Built once: an incident runs these at every step, and building one costs more than running it.
_NEW = insert(EVENTS)
_NEW_OR_KNOWN = {
    name: make(EVENTS)
    .on_conflict_do_nothing(index_elements=["key"])
    .inline()
    .execution_options(preserve_rowcount=True)  # else that of an INSERT is not kept
    for name, make in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_LAST = select(func.max(EVENTS.c.number))
_AFTER = (
    select(EVENTS)
    .where(EVENTS.c.number > bindparam("cursor"))
    .order_by(EVENTS.c.number)
    .limit(bindparam("most", type_=Integer))
)
_OF_INCIDENT = _AFTER.where(EVENTS.c.incident == bindparam("wanted"))

_APART = ("key", "incident", "written_at")  # columns of their own
_BESIDE = {"id", *_APART}
_AT_ONCE = 500  # keys in one query: old SQLite takes at most 999 parameters


@dataclass(frozen=True)
class SqlEvents:
    """ports.store.Events in one transaction."""

    connection: Connection

    def append(self, event: Event) -> bool:
        """Append unless its key is known; say whether it was new."""
        new = _NEW_OR_KNOWN[self.connection.dialect.name]
        return self.connection.execute(new, _row(event)).rowcount == 1

    def append_all(self, events: Sequence[Event]) -> None:
        """Append in their order those whose key is not known: many cost little more than one."""
        fresh = {event.key: event for event in reversed(events)}  # the first of a key counts
        for start in range(0, len(events), _AT_ONCE):
            keys = [event.key for event in events[start : start + _AT_ONCE]]
            for known in self.connection.scalars(
                select(EVENTS.c.key).where(EVENTS.c.key.in_(keys))
            ):
                fresh.pop(known, None)
        rows = [_row(event) for event in events if fresh.get(event.key) is event]
        if rows:
            self.connection.execute(_NEW, rows)

    def condense(self, incident: str) -> None:
        """Keep of an incident's events what `Event.condensed` leaves, each under its id."""
        gone: list[int] = []
        query = select(EVENTS).where(EVENTS.c.incident == incident)
        for row in self.connection.execute(query).all():
            whole = _event(row)
            left = whole.condensed()
            if left is None:
                gone.append(row.number)
            elif left is not whole:
                same = update(EVENTS).where(EVENTS.c.number == row.number)
                self.connection.execute(same.values(document=_row(left)["document"]))
        for start in range(0, len(gone), _AT_ONCE):
            some = EVENTS.c.number.in_(gone[start : start + _AT_ONCE])
            self.connection.execute(delete(EVENTS).where(some))

    def unanswer(self, incident: str, names: re.Pattern[str]) -> None:
        """Take out of an incident's answers what they say, where they name another one."""
        query = select(EVENTS).where(EVENTS.c.incident == incident)
        for row in self.connection.execute(query).all():
            told = _event(row)
            if isinstance(told.payload, QuestionAnswered) and names.search(dumps(row.document)):
                same = update(EVENTS).where(EVENTS.c.number == row.number)
                self.connection.execute(same.values(document=_row(told.unanswered())["document"]))

    def after(
        self, cursor: int, *, incident: str | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        """Return events with an id above `cursor`, oldest first; none is ever skipped."""
        query = _AFTER if incident is None else _OF_INCIDENT
        given = {"cursor": cursor, "most": limit, "wanted": incident}
        rows = self.connection.execute(query, given)
        return tuple(map(_event, rows))

    def last(self) -> int:
        """Return the id of the newest event; 0 when there is none."""
        return self.connection.scalar(_LAST) or 0

    def cursor(self, subscriber: str) -> int:
        """Return the id of the last event that a subscriber has done with; 0 when it is new."""
        query = select(CURSORS.c.event).where(CURSORS.c.subscriber == subscriber)
        return self.connection.scalar(query) or 0

    def advance(self, subscriber: str, cursor: int) -> None:
        """Move a subscriber's cursor forward; never back."""
        if cursor > self.cursor(subscriber):
            put(self.connection, CURSORS, {"subscriber": subscriber}, {"event": cursor})


def _event(row: Row[Any]) -> Event:
    """Rebuild an event; what another version wrote keeps its message and loses its payload."""
    own = {name: getattr(row, name) for name in _APART} | {"id": row.number}
    document = row.document
    try:
        return read(Event, document, **own)
    except StoreError:
        # One unreadable payload must not stop everybody who reads the bus behind it.
        was = (document.get("payload") or {}).get("type")
        lost = {"type": EventType.UNREADABLE, "was": str(was)}
        return read(Event, {**document, "effort": None, "payload": lost}, **own)


def _row(event: Event) -> dict[str, Any]:
    return {
        "key": event.key,
        "incident": event.incident,
        "written_at": event.written_at,
        "document": {n: told for n, told in event.document().items() if n not in _BESIDE},
    }
