"""What is to be told: a row per receiver and notice, kept after it was told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update

from aiops_agent.adapters.sql.rows import read
from aiops_agent.adapters.sql.tables import OUTBOX
from aiops_agent.domain.outbox import LONGEST_PAUSE, OutboxEntry, OutboxStanding, OutboxState

_WAITS = OUTBOX.c.state == OutboxState.WAITING.value
_COUNT = select(func.count()).select_from(OUTBOX)


@dataclass(frozen=True)
class SqlOutbox:
    """ports.store.Outbox in one transaction."""

    connection: Connection

    def due(
        self, receiver: str, now: datetime, *, urgent: bool = False, limit: int = 1
    ) -> tuple[OutboxEntry, ...]:
        """Return what may be tried now (only what goes alone), oldest first.

        A time that lies further ahead than any pause was written by a clock that was set back.
        """
        come = or_(OUTBOX.c.at <= now, OUTBOX.c.at > now + LONGEST_PAUSE)
        alone = (OUTBOX.c.urgent_from <= now,) if urgent else ()
        return self._read(OUTBOX.c.receiver == receiver, _WAITS, come, *alone, limit=limit)

    def waiting(
        self, receiver: str, *, incident: str = "", message: str = ""
    ) -> tuple[OutboxEntry, ...]:
        """Return what waits (of one incident, of one digest), oldest first."""
        chosen = {"receiver": receiver, "incident": incident, "message": message}
        same = (OUTBOX.c[name] == value for name, value in chosen.items() if value)
        return self._read(_WAITS, *same)

    def told(self, receiver: str, since: datetime, until: datetime) -> tuple[int, int]:
        """Return how many notices went alone, and how many with a digest, between two moments."""
        told = (OUTBOX.c.state == OutboxState.TOLD.value, OUTBOX.c.at.between(since, until))
        mine = _COUNT.where(OUTBOX.c.receiver == receiver, *told)
        all_of_them = self.connection.scalar(mine) or 0
        alone = self.connection.scalar(mine.where(OUTBOX.c.message == "")) or 0
        return alone, all_of_them - alone

    def standing(self, since: datetime) -> tuple[OutboxStanding, ...]:
        """Return how each receiver's outbox stands, with what was given up later than `since`."""
        names = self.connection.scalars(select(OUTBOX.c.receiver).distinct())
        return tuple(self._standing(name, since) for name in sorted(names))

    def add(self, entry: OutboxEntry) -> bool:
        """Add an entry unless the receiver has one of that key; say whether it was new."""
        known = select(OUTBOX.c.number).where(*_same(entry))
        if self.connection.scalar(known) is not None:
            return False
        named = {"receiver": entry.receiver, "key": entry.key, "incident": entry.incident}
        self.connection.execute(insert(OUTBOX).values(**named, **_columns(entry)))
        return True

    def put(self, entry: OutboxEntry) -> None:
        """Replace the entry of that receiver and key."""
        self.connection.execute(update(OUTBOX).where(*_same(entry)).values(**_columns(entry)))

    def _standing(self, receiver: str, since: datetime) -> OutboxStanding:
        mine = OUTBOX.c.receiver == receiver
        oldest = self._read(mine, _WAITS, limit=1)
        lost = (OUTBOX.c.state == OutboxState.GIVEN_UP.value, OUTBOX.c.at > since)
        return OutboxStanding(
            receiver=receiver,
            waiting=self.connection.scalar(_COUNT.where(mine, _WAITS)) or 0,
            oldest=oldest[0].born_at if oldest else None,
            why=oldest[0].why if oldest else "",
            given_up=self.connection.scalar(_COUNT.where(mine, *lost)) or 0,
        )

    def _read(self, *where: ColumnElement[bool], limit: int = 1000) -> tuple[OutboxEntry, ...]:
        query = select(OUTBOX.c.document).where(*where).order_by(OUTBOX.c.number).limit(limit)
        return tuple(read(OutboxEntry, found) for found in self.connection.scalars(query))


def _same(entry: OutboxEntry) -> tuple[ColumnElement[bool], ...]:
    return OUTBOX.c.receiver == entry.receiver, OUTBOX.c.key == entry.key


def _columns(entry: OutboxEntry) -> dict[str, Any]:
    return {
        "state": entry.state.value,
        "message": entry.message,
        "at": entry.at,
        "urgent_from": entry.urgent_from,
        "document": entry.document(),
    }
