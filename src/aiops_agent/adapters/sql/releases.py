"""Which images of services were seen to run well."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import GOOD_RELEASES
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.telemetry import ServiceName


@dataclass(frozen=True)
class SqlGoodReleases:
    """ports.release.GoodReleases in one transaction."""

    connection: Connection

    def listed(
        self, environment: EnvironmentRef, service: ServiceName | None = None
    ) -> tuple[GoodRelease, ...]:
        """Return those of a service, or of all, the one that was seen latest first."""
        columns = GOOD_RELEASES.c
        query = select(columns.document).where(columns.environment == str(environment))
        if service is not None:
            query = query.where(columns.service == str(service))
        found = [read(GoodRelease, document) for document in self.connection.scalars(query)]
        return tuple(sorted(found, key=lambda one: (one.seen, one.image_id), reverse=True))

    def put(self, environment: EnvironmentRef, release: GoodRelease) -> None:
        """Insert or replace one by its service and image id."""
        key = {
            "environment": str(environment),
            "service": str(release.service),
            "image_id": release.image_id,
        }
        put(self.connection, GOOD_RELEASES, key, {"document": release.document()})
