"""What comes in: bodies as they came, and the tokens of those who may send."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import COUNTERS, INBOX, TOKENS
from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.domain.token import Token

_APART = {"id", "seen", "body"}  # of a delivery: columns of their own
_ATTEMPTS, _MOST_ATTEMPTS = "attempts", 2**30  # the counter begins anew: it says nothing
_NEWEST = (INBOX.c.received_at.desc(), INBOX.c.number.desc())


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
        waits = (INBOX.c.handled.is_(False), INBOX.c.rejected == "", *here)
        return self._found(waits, (INBOX.c.received_at, INBOX.c.number), limit)

    def environments(self) -> tuple[EnvironmentRef, ...]:
        """Return the environments for which deliveries wait."""
        column = INBOX.c.environment
        waits = (INBOX.c.handled.is_(False), INBOX.c.rejected == "", column != "")
        found = self.connection.scalars(select(column).where(*waits).distinct())
        return tuple(map(EnvironmentRef.parse, found))

    def attempt(self) -> None:
        """Write something that says nothing, to see whether a body could be kept."""
        known = select(COUNTERS.c.value).where(COUNTERS.c.name == _ATTEMPTS)
        number = (self.connection.scalar(known) or 0) % _MOST_ATTEMPTS + 1
        put(self.connection, COUNTERS, {"name": _ATTEMPTS}, {"value": number})

    def unclaimed(self, limit: int) -> tuple[Delivery, ...]:
        """Return accepted deliveries that no environment claims, newest first."""
        return self._found((INBOX.c.environment == "", INBOX.c.rejected == ""), _NEWEST, limit)

    def get(self, number: int) -> Delivery | None:
        """Return one delivery, or None."""
        within = 0 <= number < 2**63
        found = self._found((INBOX.c.number == number,), (), 1) if within else ()
        return found[0] if found else None

    def rejected(self, limit: int) -> tuple[Delivery, ...]:
        """Return rejected deliveries, newest first."""
        return self._found((INBOX.c.rejected != "",), _NEWEST, limit)

    def _found(
        self, which: Iterable[ColumnElement[bool]], order: Iterable[ColumnElement[Any]], limit: int
    ) -> tuple[Delivery, ...]:
        query = select(INBOX).where(*which).order_by(*order).limit(limit)
        return tuple(_delivery(row) for row in self.connection.execute(query))

    def handled(self, delivery: int) -> None:
        """Mark a delivery as handled."""
        self.connection.execute(
            update(INBOX).where(INBOX.c.number == delivery).values(handled=True)
        )


def _written(environment: EnvironmentRef | None) -> str:
    return str(environment) if environment else ""


def _delivery(row: Row[Any]) -> Delivery:
    return read(Delivery, row.document, id=row.number, seen=row.seen, body=row.body)


@dataclass(frozen=True)
class SqlTokens:
    """ports.store.Tokens in one transaction."""

    connection: Connection

    def add(self, token: Token) -> None:
        """Add a token; raises UsageError when the name is taken, also by a revoked one."""
        if self._get(token.name) is not None:
            raise UsageError(f"There is a token named {token.name!r} already; choose another name.")
        self.connection.execute(insert(TOKENS).values(name=token.name, document=token.document()))

    def listed(self) -> tuple[Token, ...]:
        """Return all tokens, oldest first."""
        query = select(TOKENS.c.document).order_by(TOKENS.c.number)
        return tuple(read(Token, document) for document in self.connection.scalars(query))

    def revoke(self, name: str, at: datetime) -> None:
        """Revoke a token for ever; raises UsageError when there is none of that name."""
        token = self._get(name)
        if token is None:
            raise UsageError(f"There is no token named {name!r}; `aiops token list` shows all.")
        if token.revoked_at is not None:
            return
        revoked = token.model_copy(update={"revoked_at": at})
        swap = update(TOKENS).where(TOKENS.c.name == name).values(document=revoked.document())
        if self.connection.execute(swap).rowcount != 1:
            raise StoreError(f"The token {name!r} could not be revoked; try again.")

    def _get(self, name: str) -> Token | None:
        document = self.connection.scalar(select(TOKENS.c.document).where(TOKENS.c.name == name))
        return None if document is None else read(Token, document)
