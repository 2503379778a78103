"""The alerts of incidents, found by their key: one body may bring thousands of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import ALERT_GROUPS, ALERTS
from aiops_agent.domain.alert import AlertGroup, AlertList, IncidentAlert
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.value import digest

_AT_ONCE = 500  # keys in one query: old SQLite takes at most 999 parameters
_GROUP = set(AlertGroup.model_fields)  # kept once, not with each alert of the group
_APART = _GROUP | {"key", "incident"}  # of an alert: columns of their own

_ALERTS = select(ALERTS, ALERT_GROUPS.c.document.label("brought")).join(
    ALERT_GROUPS, ALERT_GROUPS.c.digest == ALERTS.c.brought_with
)
_NEW = insert(ALERTS).values(
    environment=bindparam("here"),
    incident=bindparam("of"),
    key=bindparam("wanted"),
    brought_with=bindparam("with"),
    document=bindparam("told"),
)
_CHANGE = (
    update(ALERTS)
    .where(ALERTS.c.incident == bindparam("of"), ALERTS.c.key == bindparam("wanted"))
    .values(brought_with=bindparam("with"), document=bindparam("told"))
)


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
            rows = self.connection.execute(_ALERTS.where(*mine).order_by(ALERTS.c.number))
            found |= {row.key: _alert(row) for row in rows}
        return found

    def of_incident(self, incident: str, limit: int = 100) -> AlertList:
        """Return the alerts of an incident in the order in which they joined it."""
        mine = ALERTS.c.incident == incident
        rows = self.connection.execute(_ALERTS.where(mine).order_by(ALERTS.c.number).limit(limit))
        total = self.connection.scalar(select(func.count()).where(mine)) or 0
        return AlertList(shown=tuple(map(_alert, rows)), total=total)

    def put(self, environment: EnvironmentRef, alerts: Sequence[IncidentAlert]) -> None:
        """Insert or replace alerts, each once, by incident and key."""
        groups: dict[Any, str] = {}
        keys = {alert.key for alert in alerts}
        known: set[tuple[str, str]] = set()
        for incident in {alert.incident for alert in alerts}:
            mine = select(ALERTS.c.key).where(ALERTS.c.incident == incident)
            known |= {(incident, key) for key in self.connection.scalars(mine) if key in keys}
        fresh: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for alert in alerts:
            row = {
                "here": str(environment),
                "of": alert.incident,
                "wanted": alert.key,
                "with": self._group(alert, groups),
                "told": alert.model_dump(mode="json", exclude=_APART),
            }
            (changed if (alert.incident, alert.key) in known else fresh).append(row)
        for statement, rows in ((_NEW, fresh), (_CHANGE, changed)):
            if rows:
                self.connection.execute(statement, rows)

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
