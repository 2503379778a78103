"""Alerts become incidents: repeats attach, one cause is one incident, nothing is lost."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.correlate import belongs_to, same_cause, service_of
from aiops_agent.domain.alert import Alert, AlertState, Delivery, Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.payload import AlertNews, AlertReceived, IncidentOpened, Payload
from aiops_agent.domain.point import Point
from aiops_agent.domain.telemetry import ServiceGraph
from aiops_agent.ports.store import Work
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.transaction import IncidentTransaction

BATCH = 50
RECENT = 200  # incidents looked at for the one that an alert belongs to
OLDEST = timedelta(hours=6)  # an alert that claims to be older is dated by its arrival

_SEVERITIES = {
    "critical": Severity.SEV2,
    "page": Severity.SEV2,
    "error": Severity.SEV2,
    "high": Severity.SEV2,
    "info": Severity.SEV4,
    "none": Severity.SEV4,
}


@dataclass(frozen=True)
class Receive:
    """Turns kept deliveries of one environment into open incidents."""

    deps: Deps

    async def handle(self, environment: EnvironmentRef) -> int:
        """Handle all waiting deliveries and return how many there were; safe to repeat."""
        place = self.deps.environments(environment)
        graph = ServiceGraph(services=())
        try:
            graph = await place.topology.graph()
        except SourceError:  # the names in the labels then have to do
            pass
        count = 0
        while handled := await asyncio.to_thread(self._batch, environment, graph):
            count += handled
            self.deps.mark(Point.INCIDENT_OPENED)
        return count

    def _batch(self, environment: EnvironmentRef, graph: ServiceGraph) -> int:
        at = self.deps.environments(environment).clock.now()
        with self.deps.store.begin() as work:
            waiting = work.inbox.waiting(BATCH, environment=environment)
            listed = work.incidents.loaded(environment=environment, limit=RECENT)
            known = {incident.id: incident for incident in listed}
            intake = _Intake(self.deps, work, graph, at, known)
            for delivery in waiting:
                intake.take(delivery)
                work.inbox.handled(delivery.id)
            return len(waiting)


@dataclass(frozen=True)
class _Intake:
    """One delivery inside one transaction."""

    deps: Deps
    work: Work
    graph: ServiceGraph
    at: datetime
    known: dict[IncidentId, Incident]  # read once per batch: a body may hold thousands of alerts

    def take(self, delivery: Delivery) -> None:
        group: Incident | None = None  # one group is one incident
        for alert in sorted(delivery.alerts, key=self._weight):
            if alert.state is AlertState.FIRING:
                group = self._firing(alert, delivery, group) or group
            else:
                self._resolved(alert, delivery)

    def _weight(self, alert: Alert) -> tuple[int, datetime]:
        """Put the deepest services first: trouble travels from callee to caller."""
        service = service_of(alert, self.graph.names)
        return -len(self.graph.upstream(service)), self._began(alert)

    def _firing(self, alert: Alert, delivery: Delivery, group: Incident | None) -> Incident | None:
        unresolved = [incident for incident in self.known.values() if not incident.ended]
        known = belongs_to(alert, unresolved)
        if known is not None:
            self._seen_again(known, alert, delivery)
            return known
        ended = belongs_to(alert, [i for i in self.known.values() if self._just_ended(i)])
        if ended is not None:
            self._seen_again(ended, alert, delivery)
            return ended
        service = service_of(alert, self.graph.names)
        window = self.deps.terms.window
        joined = same_cause(service, self.at, unresolved, self.graph, window)
        if joined is None and group is not None and not group.ended:
            joined = self.known.get(group.id)
        if joined is not None:
            return self._attach(joined, alert)
        return self._open(alert, delivery)

    def _just_ended(self, incident: Incident) -> bool:
        ended = incident.ended_at
        return ended is not None and self.at - ended < self.deps.terms.cooldown

    def _open(self, alert: Alert, delivery: Delivery) -> Incident:
        service = service_of(alert, self.graph.names)
        incident = Incident(
            id=self.work.incidents.new_id(),
            environment=delivery.environment,
            title=alert.summary,
            service=service,
            alert_names=(alert.name,),
            alert_keys=(alert.key,),
            summary=alert.summary,
            severity=_severity(alert),
            started_at=self._began(alert),
            opened_at=self.at,
        )
        self._keep(incident)
        left_out = f" · {delivery.truncated} alerts left out" if delivery.truncated else ""
        opened = IncidentOpened(
            alert=alert.key,
            name=alert.name,
            service=service,
            severity=incident.severity,
            left_out=delivery.truncated,
        )
        self._tell(incident, opened, f"{alert.name} · {alert.summary}{left_out}", "open")
        return incident

    def _attach(self, incident: Incident, alert: Alert) -> Incident:
        joined = incident.model_copy(
            update={
                "alert_names": tuple(dict.fromkeys((*incident.alert_names, alert.name))),
                "alert_keys": tuple(dict.fromkeys((*incident.alert_keys, alert.key))),
            }
        )
        self._keep(joined)
        message = f"{alert.name} · {alert.summary} · joins: same cause"
        self._tell(joined, _received(alert, AlertNews.JOINED), message, alert.key)
        return joined

    def _seen_again(self, incident: Incident, alert: Alert, delivery: Delivery) -> None:
        key = f"again-{delivery.digest[:16]}-{delivery.seen}"
        self._tell(incident, _received(alert, AlertNews.AGAIN), "the same alert again", key)

    def _resolved(self, alert: Alert, delivery: Delivery) -> None:
        known = belongs_to(alert, [i for i in self.known.values() if not i.ended])
        if known is not None:
            message = f"{alert.name} · the sender says resolved; telemetry decides"
            key = f"resolved-{delivery.digest[:16]}-{alert.key}"
            self._tell(known, _received(alert, AlertNews.RESOLVED), message, key)

    def _keep(self, incident: Incident) -> None:
        self.known[incident.id] = incident
        self.work.incidents.put(incident)

    def _began(self, alert: Alert) -> datetime:
        begin = alert.starts_at
        if begin is None or begin > self.at or begin < self.at - OLDEST:
            return self.at
        return begin

    def _tell(self, incident: Incident, payload: Payload, message: str, key: str) -> None:
        IncidentTransaction(self.work, incident, self.at, self.deps.now).tell(payload, message, key)


def _received(alert: Alert, news: AlertNews) -> AlertReceived:
    return AlertReceived(news=news, alert=alert.key, name=alert.name)


def _severity(alert: Alert) -> Severity:
    return _SEVERITIES.get(alert.labels.get("severity", "").lower(), Severity.SEV3)
