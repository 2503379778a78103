"""What comes in: bodies as they came, and the tokens of those who may send."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update

from aiops_agent.adapters.sql.plain import written
from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import COUNTERS, INBOX, TOKENS
from aiops_agent.domain.alert import NONE_DONE, Backlog, Delivery, Progress
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.domain.token import Token

_APART = {"id", "seen", "body", "part", "progress"}  # of a delivery: columns of their own
_WAITS = (INBOX.c.handled.is_(False), INBOX.c.rejected == "")
_ATTEMPTS, _MOST_ATTEMPTS = "attempts", 2**30  # the counter begins anew: it says nothing
_NEWEST = (INBOX.c.received_at.desc(), INBOX.c.number.desc())


@dataclass(frozen=True)
class SqlInbox:
    """ports.store.Inbox in one transaction."""

    connection: Connection

    def keep(self, delivery: Delivery) -> Delivery:
        """Keep a body. The same bytes again count up `seen` and wait to be handled again.

        What waits already keeps its place.
        """
        same = (
            INBOX.c.source == delivery.source,
            INBOX.c.environment == _written(delivery.environment),
            INBOX.c.digest == delivery.digest,
            INBOX.c.part == delivery.part,
        )
        query = select(INBOX.c.number, INBOX.c.seen, INBOX.c.handled).where(*same)
        known = self.connection.execute(query).one_or_none()
        columns: dict[str, Any] = {"seen": known.seen + 1 if known else 1}
        if known is None or known.handled:
            columns |= {
                "received_at": delivery.received_at,
                "rejected": delivery.rejected,
                "handled": False,
                "size": len(delivery.alerts),
                "progress": Progress().document(),
                "document": written(delivery, _APART),
            }
        if known is not None:
            self.connection.execute(update(INBOX).where(*same).values(**columns))
            number = known.number
        else:
            named = {name: getattr(delivery, name) for name in ("source", "digest", "part")}
            named |= {"environment": _written(delivery.environment), "body": delivery.body}
            self.connection.execute(insert(INBOX).values(**named, **columns))
            number = self.connection.execute(query).one().number
        again = {"id": number, "seen": columns["seen"], "progress": Progress()}
        return delivery.model_copy(update=again)

    def waiting(
        self, limit: int, *, environment: EnvironmentRef | None = None, alerts: int | None = None
    ) -> tuple[Delivery, ...]:
        """Return unhandled, unrejected deliveries (of one environment), oldest first.

        Of one body kept in parts, all but the first wait until no other waits. With `alerts`, no
        more deliveries than hold so many, but one at least.
        """
        here = () if environment is None else (INBOX.c.environment == str(environment),)
        waits = (*_WAITS, *here)
        order = (INBOX.c.part, INBOX.c.received_at, INBOX.c.number)
        if alerts is None:
            return self._found(waits, order, limit)
        sizes = select(INBOX.c.number, INBOX.c.size).where(*waits).order_by(*order).limit(limit)
        chosen: list[int] = []
        for number, size in self.connection.execute(sizes):
            alerts -= size
            if chosen and alerts < 0:
                break
            chosen.append(number)
        return self._found((INBOX.c.number.in_(chosen),), order, limit)

    def progress(self, delivery: int) -> Progress | None:
        """Return how far a delivery is handled; None when it is wholly."""
        waits = (INBOX.c.number == delivery, INBOX.c.handled.is_(False))
        found = self.connection.scalar(select(INBOX.c.progress).where(*waits))
        return None if found is None else read(Progress, found)

    def joined(self, delivery: Delivery) -> str:
        """Return the incident that an earlier part of the same body joined, or ""."""
        earlier = (
            INBOX.c.source == delivery.source,
            INBOX.c.environment == _written(delivery.environment),
            INBOX.c.digest == delivery.digest,
            INBOX.c.part < delivery.part,
        )
        query = select(INBOX.c.progress).where(*earlier).order_by(INBOX.c.part.desc())
        found = (read(Progress, one).joined for one in self.connection.scalars(query))
        return next(filter(None, found), "")

    def backlog(self) -> Backlog:
        """Return how much waits."""
        claimed = INBOX.c.environment != ""
        counts = select(func.count(), func.coalesce(func.sum(INBOX.c.size), 0))
        bodies, alerts = self.connection.execute(counts.where(*_WAITS, claimed)).one()
        _, unclaimed = self.connection.execute(counts.where(*_WAITS, ~claimed)).one()
        return Backlog(bodies=bodies, alerts=alerts, unclaimed=unclaimed)

    def advance(self, delivery: int, progress: Progress) -> None:
        """Say how far a delivery is handled."""
        self._note(delivery, progress=progress.document())

    def handled(self, delivery: int, progress: Progress = NONE_DONE) -> None:
        """Mark a delivery as handled wholly."""
        self._note(delivery, progress=progress.document(), handled=True)

    def _note(self, delivery: int, **columns: Any) -> None:
        self.connection.execute(update(INBOX).where(INBOX.c.number == delivery).values(**columns))

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

    def get(self, number: int) -> Delivery | None:
        """Return one delivery, or None."""
        within = 0 <= number < 2**63
        found = self._found((INBOX.c.number == number,), (), 1) if within else ()
        return found[0] if found else None

    def rejected(self, limit: int) -> tuple[Delivery, ...]:
        """Return rejected deliveries, newest first."""
        return self._found((INBOX.c.rejected != "",), _NEWEST, limit)

    def prune(self, before: datetime, most: int) -> int:
        """Remove bodies that came before then and are handled or rejected; return how many."""
        over = or_(INBOX.c.handled, INBOX.c.rejected != "")
        old = select(INBOX.c.number).where(over, INBOX.c.received_at < before).limit(most)
        return self.connection.execute(delete(INBOX).where(INBOX.c.number.in_(old))).rowcount

    def _found(
        self, which: Iterable[ColumnElement[bool]], order: Iterable[ColumnElement[Any]], limit: int
    ) -> tuple[Delivery, ...]:
        query = select(INBOX).where(*which).order_by(*order).limit(limit)
        return tuple(_delivery(row) for row in self.connection.execute(query))


def _written(environment: EnvironmentRef | None) -> str:
    return str(environment) if environment else ""


def _delivery(row: Row[Any]) -> Delivery:
    own = {name: getattr(row, name) for name in ("seen", "part", "progress", "body")}
    return read(Delivery, row.document, id=row.number, **own)


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
