"""What the watch has seen and opened."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import WATCHES
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.watch import WatchRecord


@dataclass(frozen=True)
class SqlWatches:
    """ports.watch.Watches in one transaction."""

    connection: Connection

    def get(self, environment: EnvironmentRef) -> WatchRecord | None:
        """Return what was seen there last; None where nobody ever looked."""
        query = select(WATCHES.c.document).where(WATCHES.c.environment == str(environment))
        document = self.connection.scalar(query)
        return None if document is None else read(WatchRecord, document)

    def put(self, environment: EnvironmentRef, record: WatchRecord) -> None:
        """Insert or replace the record of an environment."""
        key = {"environment": str(environment)}
        put(self.connection, WATCHES, key, {"document": record.document()})
