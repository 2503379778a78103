"""The inbox: bodies as they came."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from aiops_agent.adapters.sql.rows import read
from aiops_agent.adapters.sql.tables import INBOX
from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.environment import EnvironmentRef

_APART = {"id", "seen", "body"}  # of a delivery: columns of their own


@dataclass(frozen=True)
class SqlInbox:
    """ports.store.Inbox in one transaction."""

    connection: Connection

    def keep(self, delivery: Delivery) -> Delivery:
        """Keep a body. The same bytes again count up `seen` and wait to be handled again."""
        same = (
            INBOX.c.source == delivery.source,
            INBOX.c.environment == _written(delivery.environment),
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
                environment=_written(delivery.environment),
                digest=delivery.digest,
                body=delivery.body,
                seen=1,
                **fresh,
            )
            self.connection.execute(row)
        return _delivery(self.connection.execute(select(INBOX).where(*same)).one())

    def waiting(
        self, limit: int, *, environment: EnvironmentRef | None = None
    ) -> tuple[Delivery, ...]:
        """Return unhandled, unrejected deliveries (of one environment), oldest first."""
        here = () if environment is None else (INBOX.c.environment == str(environment),)
        query = (
            select(INBOX)
            .where(INBOX.c.handled.is_(False), INBOX.c.rejected == "", *here)
            .order_by(INBOX.c.received_at, INBOX.c.number)
            .limit(limit)
        )
        return tuple(_delivery(row) for row in self.connection.execute(query))

    def unclaimed(self, limit: int) -> tuple[Delivery, ...]:
        """Return accepted deliveries that no environment claims, newest first."""
        query = (
            select(INBOX)
            .where(INBOX.c.environment == "", INBOX.c.rejected == "")
            .order_by(INBOX.c.received_at.desc(), INBOX.c.number.desc())
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


def _written(environment: EnvironmentRef | None) -> str:
    return str(environment) if environment else ""


def _delivery(row: Row[Any]) -> Delivery:
    return read(Delivery, row.document, id=row.number, seen=row.seen, body=row.body)
