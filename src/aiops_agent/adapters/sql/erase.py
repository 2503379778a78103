"""An incident leaves every table: its rows, the bodies that brought it, what others say of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Text, cast, delete, func, select

from aiops_agent.adapters.sql.approvals import SqlApprovals
from aiops_agent.adapters.sql.calls import SqlCalls
from aiops_agent.adapters.sql.events import SqlEvents
from aiops_agent.adapters.sql.tables import (
    ALERT_GROUPS,
    ALERTS,
    APPROVALS,
    CALLS,
    INBOX,
    INCIDENTS,
    LEDGER,
    METADATA,
)
from aiops_agent.domain.alert import REPLICA_LABELS
from aiops_agent.domain.postmortem import ForgottenDecision

_BODY = (INBOX.c.source, INBOX.c.environment, INBOX.c.digest)


@dataclass(frozen=True)
class Erasure:
    """All that is kept of one incident, in one transaction."""

    connection: Connection
    incident: str

    def decisions(self) -> tuple[ForgottenDecision, ...]:
        """Return who answered for which plan, without a word of it."""
        query = select(APPROVALS.c.id).where(APPROVALS.c.incident == self.incident)
        names = self.connection.scalars(query.order_by(APPROVALS.c.number)).all()
        asked = filter(None, map(SqlApprovals(self.connection).get, names))
        return tuple(
            ForgottenDecision(
                digest=one.digest,
                state=one.state,
                by=one.decision.by if one.decision else "",
                at=one.decision.at if one.decision else None,
            )
            for one in asked
        )

    def sent(self) -> int:
        """Return how many requests were armed for it."""
        query = select(func.count()).select_from(LEDGER).where(LEDGER.c.incident == self.incident)
        return self.connection.scalar(query) or 0

    def all(self) -> None:
        """Remove every row of it, whichever table has one."""
        if (
            self.connection.dialect.name == "sqlite"
        ):  # else their bytes stay in the file's free pages
            self.connection.exec_driver_sql("PRAGMA secure_delete = ON")
        self._bodies()
        self._told_elsewhere()
        for table in METADATA.tables.values():
            if "incident" in table.columns:
                self._delete(delete(table).where(table.c.incident == self.incident))
        self._delete(delete(INCIDENTS).where(INCIDENTS.c.id == self.incident))
        used = select(ALERTS.c.brought_with)
        self._delete(delete(ALERT_GROUPS).where(ALERT_GROUPS.c.digest.not_in(used)))

    def _delete(self, statement: Any) -> None:
        self.connection.execute(statement)

    def _bodies(self) -> None:
        """Remove the handled bodies that brought its alerts; what waits is yet to be taken in."""
        mine = ALERTS.c.incident == self.incident
        rows = self.connection.execute(select(ALERTS.c.environment, ALERTS.c.document).where(mine))
        known = {(row.environment, _identity(row.document)) for row in rows}
        query = select(*_BODY, INBOX.c.document, INBOX.c.progress).where(INBOX.c.handled)
        same = {
            (row.source, row.environment, row.digest)
            for row in self.connection.execute(query)
            if row.progress.get("joined") == self.incident
            or any((row.environment, _identity(one)) in known for one in row.document["alerts"])
        }
        for key in same:
            where = (column == value for column, value in zip(_BODY, key, strict=True))
            self._delete(delete(INBOX).where(*where))

    def _told_elsewhere(self) -> None:
        """Remove what models were told of it as a precedent, and answers that may quote that."""
        names = re.compile(rf"\b{re.escape(self.incident)}\b")
        whole = cast(CALLS.c.document, Text)
        query = select(CALLS.c.incident, whole).where(
            CALLS.c.incident != self.incident, whole.contains(self.incident, autoescape=True)
        )
        others = {other for other, text in self.connection.execute(query) if names.search(text)}
        for other in others:
            SqlCalls(self.connection).condense(other)
            SqlEvents(self.connection).unanswer(other, names)


def _identity(alert: Any) -> frozenset[tuple[str, str]]:
    return frozenset(_labels(alert.get("labels") or {}))


def _labels(labels: dict[str, str]) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, text in labels.items() if name not in REPLICA_LABELS)
