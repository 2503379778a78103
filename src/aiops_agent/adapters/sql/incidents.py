"""Incidents, whole and in short."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    func,
    insert,
    select,
    update,
)

from aiops_agent.adapters.sql.rows import number_of, put, read
from aiops_agent.adapters.sql.tables import COUNTERS, INCIDENTS
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Incident, IncidentId, IncidentSummary, Status

# Built once: an incident runs these at every step, and building one costs more than running it.
_GET = select(INCIDENTS.c.document).where(INCIDENTS.c.id == bindparam("wanted"))
_COLUMNS = ("environment", "status", "ended", "summary", "document")
_CHANGE = (
    update(INCIDENTS)
    .where(INCIDENTS.c.id == bindparam("wanted"))
    .values({name: bindparam(name) for name in _COLUMNS})
)
_NEW = insert(INCIDENTS)


@dataclass(frozen=True)
class SqlIncidents:
    """ports.store.Incidents in one transaction."""

    connection: Connection

    def new_id(self) -> IncidentId:
        """Return the next free id, `INC-0001` and up; never the same twice once committed."""
        query = select(COUNTERS.c.value).where(COUNTERS.c.name == "incident")
        number = (self.connection.scalar(query) or 0) + 1
        put(self.connection, COUNTERS, {"name": "incident"}, {"value": number})
        return IncidentId(f"INC-{number:04d}")

    def get(self, incident: str) -> Incident | None:
        """Return one incident, or None."""
        document = self.connection.scalar(_GET, {"wanted": incident})
        return None if document is None else read(Incident, document)

    def put(self, incident: Incident) -> None:
        """Insert or replace one incident."""
        columns = {
            "environment": str(incident.environment),
            "status": incident.status.value,
            "ended": incident.ended,
            "summary": incident.in_short.document(),
            "document": incident.document(),
        }
        changed = self.connection.execute(_CHANGE, {"wanted": incident.id, **columns})
        if not changed.rowcount:
            self.connection.execute(_NEW, {"id": incident.id, **columns})

    def listed(
        self,
        *,
        environment: EnvironmentRef | None = None,
        open_only: bool = False,
        before: str = "",
        limit: int = 100,
    ) -> tuple[IncidentSummary, ...]:
        """Return summaries, newest first, from the one behind the incident `before` on."""
        query = _some(INCIDENTS.c.summary, environment, limit, open_only=open_only)
        if before:
            query = query.where(INCIDENTS.c.number < number_of(INCIDENTS, before))
        return tuple(read(IncidentSummary, found) for found in self.connection.scalars(query))

    def loaded(
        self,
        *,
        environment: EnvironmentRef | None = None,
        open_only: bool = False,
        limit: int = 100,
    ) -> tuple[Incident, ...]:
        """Return whole incidents, newest first."""
        query = _some(INCIDENTS.c.document, environment, limit, open_only=open_only)
        return tuple(read(Incident, found) for found in self.connection.scalars(query))

    def unended(self) -> dict[Status, int]:
        """Return how many incidents that have not ended stand in each status."""
        status = INCIDENTS.c.status
        query = select(status, func.count()).where(INCIDENTS.c.ended.is_(False)).group_by(status)
        return {Status(name): count for name, count in self.connection.execute(query)}


def _some(
    column: ColumnElement[Any], environment: EnvironmentRef | None, limit: int, *, open_only: bool
) -> Select[Any]:
    query = select(column).order_by(INCIDENTS.c.number.desc()).limit(limit)
    if environment is not None:
        query = query.where(INCIDENTS.c.environment == str(environment))
    return query.where(INCIDENTS.c.ended.is_(False)) if open_only else query
