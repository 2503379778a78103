"""Plans that the executor is asked to make ready."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import PREPARATIONS
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.preparation import Preparation

_ALL = select(PREPARATIONS.c.document)


@dataclass(frozen=True)
class SqlPreparations:
    """ports.preparation.Preparations in one transaction."""

    connection: Connection

    def of(self, incident: str) -> Preparation | None:
        """Return what was asked last for an incident, or None."""
        found = self.connection.scalar(_ALL.where(PREPARATIONS.c.incident == incident))
        return None if found is None else read(Preparation, found)

    def waiting(self, environments: Collection[EnvironmentRef]) -> tuple[Preparation, ...]:
        """Return what nobody has answered yet of these environments, oldest first."""
        here = PREPARATIONS.c.environment.in_([str(one) for one in environments])
        query = _ALL.where(here, PREPARATIONS.c.answered.is_(False))
        found = self.connection.scalars(query.order_by(PREPARATIONS.c.number))
        return tuple(read(Preparation, document) for document in found)

    def put(self, asked: Preparation) -> None:
        """Insert or replace the question, or the answer, of an incident."""
        columns = {
            "environment": str(asked.environment),
            "answered": asked.answered,
            "document": asked.document(),
        }
        put(self.connection, PREPARATIONS, {"incident": asked.incident}, columns)

    def drop(self, incident: str) -> None:
        """Remove the row of an incident."""
        self.connection.execute(delete(PREPARATIONS).where(PREPARATIONS.c.incident == incident))
