"""What was sent to language models, what came back, and what it cost."""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add

from sqlalchemy import Connection, insert, select

from aiops_agent.adapters.sql.rows import read
from aiops_agent.adapters.sql.tables import CALLS
from aiops_agent.domain.answer import Usage
from aiops_agent.domain.model import ModelCall


@dataclass(frozen=True)
class SqlCalls:
    """ports.store.ModelCalls in one transaction."""

    connection: Connection

    def keep(self, call: ModelCall) -> None:
        """Keep a call."""
        self.connection.execute(
            insert(CALLS).values(
                incident=call.incident,
                model=str(call.model),
                started_at=call.started_at,
                usage=call.usage.document(),
                document=call.document(),
            )
        )

    def of_incident(self, incident: str, limit: int = 1000) -> tuple[ModelCall, ...]:
        """Return the calls of an incident, oldest first."""
        query = select(CALLS.c.document).where(CALLS.c.incident == incident)
        found = self.connection.scalars(query.order_by(CALLS.c.number).limit(limit))
        return tuple(read(ModelCall, document) for document in found)

    def spent(self, *, incident: str = "", since: datetime | None = None) -> Usage:
        """Return what calls used up, of an incident or since a moment of wall time, or of all."""
        query = select(CALLS.c.usage)
        if incident:
            query = query.where(CALLS.c.incident == incident)
        if since is not None:
            query = query.where(CALLS.c.started_at >= since)
        used = (read(Usage, document) for document in self.connection.scalars(query))
        return reduce(add, used, Usage())
