"""Whether anything may be sent: the stop switch, what was armed, the breakers, the clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, select, update

from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import ARMED, BREAKERS, CLOCKS, SWITCHES
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.sending import ServiceBreaker, Switch
from aiops_agent.domain.telemetry import ServiceName

# Built once: they are run before every send.
_SWITCHED = select(SWITCHES.c.document).order_by(SWITCHES.c.number.desc())
_WALL = {"name": "wall"}
_LATEST = select(CLOCKS.c.at).where(CLOCKS.c.name == _WALL["name"])
_NOW = select(func.clock_timestamp())  # of the statement, not of the transaction's begin


@dataclass(frozen=True)
class SqlSending:
    """ports.store.Sending in one transaction."""

    connection: Connection

    def switched(self, limit: int = 100) -> tuple[Switch, ...]:
        """Return the moves of the stop switch, newest first: the newest one counts."""
        found = self.connection.scalars(_SWITCHED.limit(limit))
        return tuple(read(Switch, document) for document in found)

    def switch(self, move: Switch) -> None:
        """Add a move of the stop switch."""
        self.connection.execute(insert(SWITCHES).values(document=move.document()))

    def armed(
        self, environment: EnvironmentRef, since: datetime, service: ServiceName | None = None
    ) -> int:
        """Return how many actions were armed later than `since` (environment time).

        What lies in the future, as after a jump back, is counted.
        """
        here = (ARMED.c.environment == str(environment), ARMED.c.at > since)
        query = select(func.count()).select_from(ARMED).where(*here)
        if service is not None:
            query = query.where(ARMED.c.service == service)
        return self.connection.scalar(query) or 0

    def count(
        self, environment: EnvironmentRef, services: Sequence[ServiceName], at: datetime
    ) -> None:
        """Count one armed action per name, at this moment of the environment's time."""
        rows = [{"environment": str(environment), "service": name, "at": at} for name in services]
        if rows:
            self.connection.execute(insert(ARMED), rows)

    def clip(self, environment: EnvironmentRef, at: datetime) -> int:
        """Let no action count as armed later than this moment; return how many did."""
        late = (ARMED.c.environment == str(environment), ARMED.c.at > at)
        return self.connection.execute(update(ARMED).where(*late).values(at=at)).rowcount

    def breakers(self) -> tuple[ServiceBreaker, ...]:
        """Return the breakers of all services that failed, by environment and name."""
        query = select(BREAKERS.c.document).order_by(BREAKERS.c.environment, BREAKERS.c.service)
        return tuple(read(ServiceBreaker, document) for document in self.connection.scalars(query))

    def breaker(self, environment: EnvironmentRef, service: ServiceName) -> ServiceBreaker:
        """Return the breaker of a service; an untouched one when it never failed."""
        mine = (BREAKERS.c.environment == str(environment), BREAKERS.c.service == service)
        found = self.connection.scalar(select(BREAKERS.c.document).where(*mine))
        untouched = ServiceBreaker(environment=environment, service=service)
        return untouched if found is None else read(ServiceBreaker, found)

    def put(self, breaker: ServiceBreaker) -> None:
        """Insert or replace the breaker of a service."""
        key = {"environment": str(breaker.environment), "service": breaker.service}
        put(self.connection, BREAKERS, key, {"document": breaker.document()})


@dataclass
class SqlClock:
    """ports.store.StoreClock in one transaction; `own` lets a server's clock count."""

    connection: Connection
    own: bool
    _latest: datetime | None = None  # nobody else notes a time while the transaction is open

    def now(self, wall: datetime) -> datetime:
        """Return the present time: that of the database's server, or `wall` where it has none."""
        if self.connection.dialect.name == "sqlite" or not self.own:
            return wall
        found: datetime = self.connection.scalar(_NOW) or wall
        return found.astimezone(UTC)

    def latest(self) -> datetime | None:
        """Return the largest time that was noted."""
        if self._latest is None:
            self._latest = self.connection.scalar(_LATEST)
        return self._latest

    def put(self, at: datetime) -> None:
        """Note a time as the largest one, also when a larger one was noted."""
        self._latest = at
        put(self.connection, CLOCKS, _WALL, {"at": at})
