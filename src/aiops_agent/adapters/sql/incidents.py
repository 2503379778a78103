"""Incidents, whole and in short, and their alerts, of which one body may bring thousands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from aiops_agent.adapters.sql.rows import number_of, put, read
from aiops_agent.adapters.sql.tables import ALERT_GROUPS, ALERTS, COUNTERS, EVENTS, INCIDENTS
from aiops_agent.domain.alert import AlertGroup, AlertList, IncidentAlert
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Incident, IncidentId, IncidentSummary, Status
from aiops_agent.domain.value import digest

# Built once: an incident runs these at every step, and building one costs more than running it.
_GET = select(INCIDENTS.c.document).where(INCIDENTS.c.id == bindparam("wanted"))
_COLUMNS = (
    "environment",
    "status",
    "service",
    "opened_at",
    "ended",
    "active",
    "condensed",
    "summary",
    "document",
)
_CHANGE = (
    update(INCIDENTS)
    .where(INCIDENTS.c.id == bindparam("wanted"))
    .values({name: bindparam(name) for name in _COLUMNS})
)
_NEW = insert(INCIDENTS)

_AT_ONCE = 500  # keys in one query: old SQLite takes at most 999 parameters
_GROUP = set(AlertGroup.model_fields)  # kept once, not with each alert of the group
_COLUMNS_OF_ALERT = _GROUP | {"key", "incident"}  # of an alert: columns of their own

_ALERTS = select(ALERTS, ALERT_GROUPS.c.document.label("brought")).join(
    ALERT_GROUPS, ALERT_GROUPS.c.digest == ALERTS.c.brought_with
)
_OF_INCIDENT = (
    _ALERTS.add_columns(func.count().over().label("total"))
    .where(ALERTS.c.incident == bindparam("of"))
    .order_by(ALERTS.c.number)
    .limit(bindparam("most", type_=Integer))
)
_NEW_ALERT = insert(ALERTS).values(
    environment=bindparam("here"),
    incident=bindparam("of"),
    key=bindparam("wanted"),
    brought_with=bindparam("with"),
    document=bindparam("told"),
)
_CHANGED_ALERT = (
    update(ALERTS)
    .where(ALERTS.c.incident == bindparam("of"), ALERTS.c.key == bindparam("wanted"))
    .values(brought_with=bindparam("with"), document=bindparam("told"))
)


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
            "service": incident.service,
            "opened_at": incident.opened_at,
            "ended": incident.ended,
            "active": incident.active,
            "condensed": incident.condensed,
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

    def active_ids(self, environment: EnvironmentRef) -> tuple[IncidentId, ...]:
        """Return all incidents of an environment with a story to live, oldest first."""
        here = (INCIDENTS.c.active.is_(True), INCIDENTS.c.environment == str(environment))
        query = select(INCIDENTS.c.id).where(*here).order_by(INCIDENTS.c.number)
        return tuple(map(IncidentId, self.connection.scalars(query)))

    def environments(self) -> tuple[EnvironmentRef, ...]:
        """Return the environments with incidents that have a story to live."""
        query = select(INCIDENTS.c.environment).where(INCIDENTS.c.active.is_(True)).distinct()
        return tuple(map(EnvironmentRef.parse, self.connection.scalars(query)))

    def about(
        self, environment: EnvironmentRef, services: Collection[str], since: datetime
    ) -> tuple[Incident, ...]:
        """Return the unended incidents of these services opened since then, newest first."""
        ordered, found = tuple(services), list[tuple[int, Incident]]()
        recent = (*_unended(environment), INCIDENTS.c.opened_at >= since)
        query = select(INCIDENTS.c.number, INCIDENTS.c.document).where(*recent)
        for start in range(0, len(ordered), _AT_ONCE):
            some = INCIDENTS.c.service.in_(ordered[start : start + _AT_ONCE])
            rows = self.connection.execute(query.where(some))
            found += [(row.number, read(Incident, row.document)) for row in rows]
        found.sort(key=lambda one: -one[0])
        return tuple(incident for _, incident in found)

    def unended(self) -> dict[Status, int]:
        """Return how many incidents that have not ended stand in each status."""
        status = INCIDENTS.c.status
        query = select(status, func.count()).where(INCIDENTS.c.ended.is_(False)).group_by(status)
        return {Status(name): count for name, count in self.connection.execute(query)}

    def old(self, before: datetime, limit: int) -> tuple[IncidentId, ...]:
        """Return inactive incidents, not yet condensed, whose events all came before then."""
        whole = (INCIDENTS.c.condensed.is_(False), INCIDENTS.c.active.is_(False))
        lately = select(EVENTS.c.number).where(
            EVENTS.c.incident == INCIDENTS.c.id, EVENTS.c.written_at >= before
        )
        # The clock of an environment may go ahead of ours: then it is found later.
        query = select(INCIDENTS.c.id).where(*whole, INCIDENTS.c.opened_at < before)
        query = query.where(~lately.exists()).order_by(INCIDENTS.c.number).limit(limit)
        return tuple(map(IncidentId, self.connection.scalars(query)))


def _unended(environment: EnvironmentRef) -> tuple[ColumnElement[bool], ...]:
    return (INCIDENTS.c.ended.is_(False), INCIDENTS.c.environment == str(environment))


def _some(
    column: ColumnElement[Any], environment: EnvironmentRef | None, limit: int, *, open_only: bool
) -> Select[Any]:
    query = select(column).order_by(INCIDENTS.c.number.desc()).limit(limit)
    if environment is not None:
        query = query.where(INCIDENTS.c.environment == str(environment))
    return query.where(INCIDENTS.c.ended.is_(False)) if open_only else query


@dataclass(frozen=True)
class SqlAlerts:
    """ports.store.Alerts in one transaction."""

    connection: Connection

    def newest(
        self, environment: EnvironmentRef, keys: Collection[str]
    ) -> Mapping[str, IncidentAlert]:
        """Return known alerts by key; one that several incidents had, as of the newest of them."""
        ordered = tuple(keys)
        found: dict[str, IncidentAlert] = {}
        for start in range(0, len(ordered), _AT_ONCE):
            some = ordered[start : start + _AT_ONCE]
            mine = (ALERTS.c.environment == str(environment), ALERTS.c.key.in_(some))
            newest = select(func.max(ALERTS.c.number)).where(*mine).group_by(ALERTS.c.key)
            rows = self.connection.execute(_ALERTS.where(ALERTS.c.number.in_(newest)))
            found |= {row.key: _alert(row) for row in rows}
        return found

    def of_incident(self, incident: str, limit: int = 100) -> AlertList:
        """Return the alerts of an incident in the order in which they joined it."""
        rows = self.connection.execute(_OF_INCIDENT, {"of": incident, "most": limit}).all()
        return AlertList(shown=tuple(map(_alert, rows)), total=rows[0].total if rows else 0)

    def put(self, environment: EnvironmentRef, alerts: Sequence[IncidentAlert]) -> None:
        """Insert or replace alerts, each once, by incident and key."""
        groups: dict[Any, str] = {}
        known = self._known(alerts)
        fresh: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for alert in alerts:
            row = {
                "here": str(environment),
                "of": alert.incident,
                "wanted": alert.key,
                "with": self._group(alert, groups),
                "told": alert.model_dump(mode="json", exclude=_COLUMNS_OF_ALERT),
            }
            (changed if (alert.incident, alert.key) in known else fresh).append(row)
        for statement, rows in ((_NEW_ALERT, fresh), (_CHANGED_ALERT, changed)):
            if rows:
                self.connection.execute(statement, rows)

    def move(self, incident: str, keys: Collection[str], to: str) -> None:
        """Make alerts of one incident those of another; one that it has already stays its own."""
        ordered = tuple(keys)
        for start in range(0, len(ordered), _AT_ONCE):
            some = ALERTS.c.key.in_(ordered[start : start + _AT_ONCE])
            there = select(ALERTS.c.key).where(ALERTS.c.incident == to, some)
            known = tuple(self.connection.scalars(there))
            here = (ALERTS.c.incident == incident, some)
            self.connection.execute(delete(ALERTS).where(*here, ALERTS.c.key.in_(known)))
            self.connection.execute(update(ALERTS).where(*here).values(incident=to))

    def _known(self, alerts: Sequence[IncidentAlert]) -> set[tuple[str, str]]:
        """Return those that are kept already, by incident and key."""
        found: set[tuple[str, str]] = set()
        keys: dict[str, list[str]] = {}
        for alert in alerts:
            keys.setdefault(alert.incident, []).append(alert.key)
        for incident, of in keys.items():
            for start in range(0, len(of), _AT_ONCE):
                some = ALERTS.c.key.in_(of[start : start + _AT_ONCE])
                query = select(ALERTS.c.key).where(ALERTS.c.incident == incident, some)
                found |= {(incident, key) for key in self.connection.scalars(query)}
        return found

    def _group(self, alert: IncidentAlert, groups: dict[Any, str]) -> str:
        """Keep what came with an alert, unless it is in `groups`; return its digest."""
        same = (alert.receiver, alert.alertmanager_url, *alert.group_labels.items())
        if same not in groups:
            document = alert.model_dump(mode="json", include=_GROUP)
            groups[same] = digest("alert-group/v1", document)
            put(self.connection, ALERT_GROUPS, {"digest": groups[same]}, {"document": document})
        return groups[same]


def _alert(row: Row[Any]) -> IncidentAlert:
    return read(IncidentAlert, row.document | row.brought, key=row.key, incident=row.incident)
