"""Who works on the stories."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import LEASES
from aiops_agent.domain.lease import Lease

_GET = select(LEASES.c.document).where(LEASES.c.name == bindparam("name"))  # before every write


@dataclass(frozen=True)
class SqlLeases:
    """ports.lease.Leases in one transaction."""

    connection: Connection

    def get(self, name: str) -> Lease | None:
        """Return the lease of a role as it was put last, or None when there never was one."""
        found = self.connection.scalar(_GET, {"name": name})
        return None if found is None else read(Lease, found)

    def put(self, lease: Lease) -> None:
        """Insert or replace the lease of a role."""
        put(self.connection, LEASES, {"name": lease.name}, {"document": lease.document()})
