"""Long-term memory: closed cases and their reports."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import CASES
from aiops_agent.domain.postmortem import PastIncident, Postmortem


@dataclass(frozen=True)
class SqlArchive:
    """ports.store.Archive in one transaction."""

    connection: Connection

    def add(self, past: PastIncident, postmortem: Postmortem | None) -> None:
        """Insert or replace a case and its report; without a report the stored one stays."""
        columns: dict[str, Any] = {
            "family": past.environment.kind,
            "ended_at": past.ended_at,
            "document": past.document(),
        }
        if postmortem is not None:
            columns["postmortem"] = postmortem.document()
        put(self.connection, CASES, {"id": past.id}, columns)

    def cases(self, kind: str, limit: int = 1000) -> tuple[PastIncident, ...]:
        """Return cases of one kind of environments, newest first."""
        query = (
            select(CASES.c.document)
            .where(CASES.c.family == kind)
            .order_by(CASES.c.ended_at.desc(), CASES.c.number.desc())
            .limit(limit)
        )
        return tuple(read(PastIncident, document) for document in self.connection.scalars(query))

    def postmortem(self, incident: str) -> Postmortem | None:
        """Return the report of an incident, or None."""
        document = self.connection.scalar(select(CASES.c.postmortem).where(CASES.c.id == incident))
        return None if document is None else read(Postmortem, document)
