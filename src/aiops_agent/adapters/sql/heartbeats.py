"""Which deadman's alerts have been heard."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import HEARTBEATS
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.heartbeat import Heartbeat


@dataclass(frozen=True)
class SqlHeartbeats:
    """ports.heartbeat.Heartbeats in one transaction."""

    connection: Connection

    def listed(self, environment: EnvironmentRef) -> tuple[Heartbeat, ...]:
        """Return all that were ever heard there, by name."""
        query = select(HEARTBEATS.c.document).where(HEARTBEATS.c.environment == str(environment))
        found = [read(Heartbeat, document) for document in self.connection.scalars(query)]
        return tuple(sorted(found, key=lambda one: (one.name, one.key)))

    def put(self, environment: EnvironmentRef, heartbeat: Heartbeat) -> None:
        """Insert or replace one by its key."""
        key = {"environment": str(environment), "key": heartbeat.key}
        put(self.connection, HEARTBEATS, key, {"document": heartbeat.document()})
