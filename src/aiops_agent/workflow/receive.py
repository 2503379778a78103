"""Alerts become incidents: repeats attach, one cause is one incident, nothing is lost."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.correlate import UNKNOWN, same_cause, service_of
from aiops_agent.domain.alert import Alert, AlertState, Delivery, IncidentAlert, Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import AlertNews, AlertReceived, IncidentOpened, Payload
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Target, TargetKind
from aiops_agent.domain.telemetry import ServiceGraph, ServiceName
from aiops_agent.domain.trace import new_trace_id
from aiops_agent.ports.store import Work
from aiops_agent.workflow.deps import Deps, IncidentTransaction

BATCH = 50  # deliveries of one transaction; others write in between
RECENT = 200  # open incidents that may share a cause: more at once is no longer one cause
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
            batch = _Batch(self.deps, work, environment, graph, at)
            batch.take(waiting)
            return len(waiting)


@dataclass(frozen=True)
class _Seen:
    """One alert of a delivery, with what is worked out once: a body may hold thousands."""

    alert: Alert
    key: str
    service: ServiceName
    began: datetime
    delivery: Delivery


@dataclass
class _Batch:
    """Some deliveries in one transaction; what changes is written once, at its end."""

    deps: Deps
    work: Work
    environment: EnvironmentRef
    graph: ServiceGraph
    at: datetime
    incidents: dict[str, Incident] = field(default_factory=dict)
    known: dict[str, IncidentAlert] = field(default_factory=dict)  # by key
    changed: dict[str, None] = field(default_factory=dict)  # ids of incidents, in order
    touched: dict[tuple[str, str], IncidentAlert] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)
    repeated: set[tuple[str, int]] = field(default_factory=set)  # (incident, delivery) told of

    def take(self, deliveries: Sequence[Delivery]) -> None:
        """Turn deliveries into incidents, their alerts and events."""
        replicas = self.deps.terms.replica_labels
        bodies = [[self._seen(a, replicas, d) for a in d.alerts] for d in deliveries]
        self.known.update(
            self.work.alerts.newest(self.environment, {s.key for body in bodies for s in body})
        )
        listed = self.work.incidents.loaded(
            environment=self.environment, open_only=True, limit=RECENT
        )
        self.incidents.update({incident.id: incident for incident in listed})
        for body, delivery in zip(bodies, deliveries, strict=True):
            self._take(body)
            self.work.inbox.handled(delivery.id)
        for changed in self.changed:
            self.work.incidents.put(self.incidents[changed])
        self.work.events.append_all(self.told)
        self.work.alerts.put(self.environment, tuple(self.touched.values()))

    def _seen(self, alert: Alert, replicas: Collection[str], delivery: Delivery) -> _Seen:
        began = alert.starts_at
        if began is None or began > self.at or began < self.at - OLDEST:
            began = self.at
        service = service_of(alert, self.graph.names)
        return _Seen(alert, alert.identity(replicas), service, began, delivery)

    def _take(self, body: list[_Seen]) -> None:
        # The deepest services first: trouble travels from callee to caller.
        depth = {name: len(self.graph.upstream(name)) for name in {seen.service for seen in body}}
        body.sort(key=lambda seen: (-depth[seen.service], seen.began))
        firing = {seen.key for seen in body if seen.alert.state is AlertState.FIRING}
        group: Incident | None = None  # one group is one incident
        for seen in body:
            if seen.alert.state is AlertState.FIRING:
                group = self._firing(seen, group)
            elif seen.key not in firing:  # else it is another replica's, which fires still
                self._resolved(seen)

    def _firing(self, seen: _Seen, group: Incident | None) -> Incident:
        holder = self._holder(seen.key)
        if holder is not None and (not holder.ended or self._just_ended(holder)):
            if (holder.id, seen.delivery.id) not in self.repeated:
                self.repeated.add((holder.id, seen.delivery.id))
                key = f"again-{seen.delivery.digest[:16]}-{seen.delivery.seen}"
                self._tell(holder, _received(seen, AlertNews.AGAIN), "the same alert again", key)
        else:
            unended = [one for one in self.incidents.values() if not one.ended]
            window = self.deps.terms.window
            joined = same_cause(seen.service, self.at, unended, self.graph, window)
            if joined is None and group is not None and not group.ended:
                joined = self.incidents[group.id]
            holder = self._open(seen) if joined is None else self._attach(joined, seen)
        self._hold(holder, seen)
        return holder

    def _holder(self, key: str) -> Incident | None:
        """Return the newest incident that has an alert of this key, if there is one."""
        known = self.known.get(key)
        if known is not None and known.incident not in self.incidents:
            found = self.work.incidents.get(known.incident)
            if found is None:
                return None
            self.incidents[found.id] = found
        return self.incidents[known.incident] if known is not None else None

    def _just_ended(self, incident: Incident) -> bool:
        ended = incident.ended_at
        return ended is not None and self.at - ended < self.deps.terms.cooldown

    def _open(self, seen: _Seen) -> Incident:
        alert, delivery = seen.alert, seen.delivery
        incident = Incident(
            id=self.work.incidents.new_id(),
            environment=self.environment,
            title=alert.summary,
            subject=Target(
                environment=self.environment,
                kind=TargetKind.UNKNOWN if seen.service == UNKNOWN else TargetKind.SERVICE,
                name=seen.service,
            ),
            alert_names=(alert.name,),
            summary=alert.summary,
            severity=_SEVERITIES.get(alert.labels.get("severity", "").lower(), Severity.SEV3),
            started_at=seen.began,
            opened_at=self.at,
        )
        self._keep(incident)
        left_out = f" · {delivery.truncated} alerts left out" if delivery.truncated else ""
        opened = IncidentOpened(
            alert=seen.key,
            name=alert.name,
            service=seen.service,
            severity=incident.severity,
            left_out=delivery.truncated,
            trace=new_trace_id(incident.id, incident.environment, self.deps.now()),
        )
        self._tell(incident, opened, f"{alert.name} · {alert.summary}{left_out}", "open")
        return incident

    def _attach(self, incident: Incident, seen: _Seen) -> Incident:
        alert = seen.alert
        if alert.name not in incident.alert_names:
            names = (*incident.alert_names, alert.name)
            incident = incident.model_copy(update={"alert_names": names})
            self._keep(incident)
        message = f"{alert.name} · {alert.summary} · joins: same cause"
        self._tell(incident, _received(seen, AlertNews.JOINED), message, seen.key)
        return incident

    def _resolved(self, seen: _Seen) -> None:
        holder = self._holder(seen.key)
        if holder is None:
            return
        if not holder.ended:
            message = f"{seen.alert.name} · the sender says resolved; telemetry decides"
            key = f"resolved-{seen.delivery.digest[:16]}-{seen.key}"
            self._tell(holder, _received(seen, AlertNews.RESOLVED), message, key)
        self._hold(holder, seen)

    def _hold(self, incident: Incident, seen: _Seen) -> None:
        """Keep an alert as an incident's; what fires again after its end begins anew."""
        was, alert, group = self.known.get(seen.key), seen.alert, seen.delivery.group
        since = seen.began
        if was is not None and was.incident == incident.id:
            ended = was.state is AlertState.RESOLVED and alert.state is AlertState.FIRING
            since = since if ended else was.since
        # Both parts were validated when they were read; thousands need not be again.
        held = IncidentAlert.model_construct(
            **dict(alert),
            **dict(group),
            key=seen.key,
            incident=incident.id,
            since=since,
            last_seen=self.at,
        )
        self.known[seen.key] = self.touched[incident.id, seen.key] = held

    def _keep(self, incident: Incident) -> None:
        self.incidents[incident.id] = incident
        self.changed[incident.id] = None

    def _tell(self, incident: Incident, payload: Payload, message: str, key: str) -> None:
        now = self.deps.now
        about = IncidentTransaction(self.work, incident, self.at, now, now())
        self.told.append(about.event(payload, message, key))


def _received(seen: _Seen, news: AlertNews) -> AlertReceived:
    return AlertReceived(news=news, alert=seen.key, name=seen.alert.name)
