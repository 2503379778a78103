"""Alerts become incidents: repeats attach, one cause is one incident, nothing is lost."""

# limit: what one alert of a body does stands together; the rest is how much of it at once.

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.correlate import same_cause, subject_of
from aiops_agent.domain.alert import (
    Alert,
    AlertState,
    Delivery,
    IncidentAlert,
    Progress,
    Severity,
)
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.meaning import AlertSubject
from aiops_agent.domain.payload import AlertNews, AlertReceived, IncidentOpened, Payload
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Target
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.trace import new_trace_id
from aiops_agent.ports.store import Work
from aiops_agent.workflow.around import Around, kind_of, read_graph, read_rules
from aiops_agent.workflow.deadman import SilenceWatch, hear, opens_nothing
from aiops_agent.workflow.deps import Deps, IncidentTransaction

log = logging.getLogger(__name__)

BATCH = 50  # deliveries of one transaction; others write in between
PORTION = 250  # alerts of the first transaction over a long body; then as many as take HOLD_SECONDS
LEAST, MOST = 100, 1000  # alerts of a portion, however slow or quick the store is
HOLD_SECONDS = 0.15  # of a transaction over a part of a long body
GAP_SECONDS = 0.11  # between two: a process that waits for SQLite looks each 0.1 s
NAMES = 200  # of alerts that an incident tells; each alert is kept with it all the same
OLDEST = timedelta(hours=6)  # an alert that claims to be older is dated by its arrival

_SEVERITIES = {
    "critical": Severity.SEV2,
    "page": Severity.SEV2,
    "error": Severity.SEV2,
    "high": Severity.SEV2,
    "major": Severity.SEV2,
    "info": Severity.SEV4,
    "none": Severity.SEV4,
}


@dataclass(frozen=True)
class Receive:
    """Turns kept deliveries of one environment into open incidents.

    `clock` is monotonic, in seconds.
    """

    deps: Deps
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    silence: SilenceWatch = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "silence", SilenceWatch(self.deps))

    async def handle(
        self, environment: EnvironmentRef, alive: Callable[[], None] = lambda: None
    ) -> int:
        """Handle all waiting deliveries and return how many there were; safe to repeat.

        A long body is handled a portion at a time, so that others get their turn within half a
        second; each portion calls `alive`.
        """
        place = self.deps.environments(environment)
        around = Around(await read_graph(place.topology), await read_rules(place.rules))
        count = 0
        while bodies := await asyncio.to_thread(self._bodies, environment, around):
            size = PORTION
            while left := tuple(body for body in bodies if not body.over):
                began = self.clock()
                await asyncio.to_thread(self._portion, environment, around, left, size)
                took = max(self.clock() - began, 0.001)
                alive()
                self.deps.mark(Point.INCIDENT_OPENED)
                if not all(body.over for body in left):
                    size = max(LEAST, min(MOST, round(size * HOLD_SECONDS / took), 2 * size))
                    await self.pause(GAP_SECONDS)
            count += len(bodies)
        await asyncio.to_thread(self.silence.look, environment, self.clock())
        return count

    def _bodies(self, environment: EnvironmentRef, around: "Around") -> tuple["_Body", ...]:
        """Return the next bodies, made ready while nobody waits for it."""
        at = self.deps.environments(environment).clock.now()
        replicas = self.deps.terms.replica_labels
        with self.deps.store.read() as view:
            waiting = view.inbox.waiting(BATCH, environment=environment, alerts=PORTION)
        return tuple(_Body.of(delivery, around, replicas, at) for delivery in waiting)

    def _portion(
        self,
        environment: EnvironmentRef,
        around: "Around",
        bodies: Sequence["_Body"],
        size: int,
    ) -> None:
        at = self.deps.environments(environment).clock.now()
        with self.deps.store.begin() as work:
            _Batch(self.deps, work, environment, around, at).take(bodies, size)


@dataclass(frozen=True)
class _Seen:
    """One alert of a delivery, with what is worked out once: a body may hold thousands."""

    alert: Alert
    key: str
    subject: AlertSubject
    began: datetime
    delivery: Delivery

    @property
    def service(self) -> ServiceName:
        """The name under which its incident is looked for."""
        return ServiceName(self.subject.service)


@dataclass
class _Body:
    """A delivery, made ready to be handled from `progress` on."""

    delivery: Delivery
    progress: Progress
    ordered: tuple[_Seen, ...]  # the leader first, then as in the body
    firing: frozenset[str]  # keys
    over: bool = False

    @classmethod
    def of(
        cls, delivery: Delivery, around: Around, replicas: Collection[str], at: datetime
    ) -> "_Body":
        """Work out what is the same for every portion."""
        seen = [_seen(alert, delivery, around, replicas, at) for alert in delivery.alerts]
        fires = [n for n, one in enumerate(seen) if one.alert.state is AlertState.FIRING]
        progress = delivery.progress
        if not progress.done and fires:  # later it is on record: the graph may be another one
            depth = {n: around.depth(seen[n].service) for n in fires}
            lead = min(fires, key=lambda n: (-depth[n], seen[n].began))
            progress = progress.model_copy(update={"lead": lead})
        lead = progress.lead
        ordered = (*seen[lead : lead + 1], *seen[:lead], *seen[lead + 1 :])
        return cls(delivery, progress, ordered, frozenset(seen[n].key for n in fires))


def _seen(
    alert: Alert, delivery: Delivery, around: Around, replicas: Collection[str], at: datetime
) -> _Seen:
    began = alert.starts_at
    if began is None or began > at or began < at - OLDEST:
        began = at
    subject = subject_of(alert, around.names, around.rules.get(alert.name, ()))
    return _Seen(alert, alert.identity(replicas), subject, began, delivery)


@dataclass
class _Batch:
    """Some alerts in one transaction; what changes is written once, at its end."""

    deps: Deps
    work: Work
    environment: EnvironmentRef
    around: Around
    at: datetime
    incidents: dict[str, Incident] = field(default_factory=dict)
    known: dict[str, IncidentAlert] = field(default_factory=dict)  # by key
    about: dict[ServiceName, list[str]] = field(default_factory=dict)  # ids of incidents
    changed: dict[str, None] = field(default_factory=dict)  # ids of incidents, in order
    touched: dict[tuple[str, str], IncidentAlert] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)
    repeated: set[tuple[str, int]] = field(default_factory=set)  # (incident, delivery) told of

    def take(self, bodies: Sequence[_Body], size: int) -> None:
        """Turn the next `size` alerts of each body into incidents, their alerts and events."""
        portions: list[tuple[_Body, tuple[_Seen, ...]]] = []
        for body in bodies:
            known = self.work.inbox.progress(body.delivery.id)
            if known is None or known.done != body.progress.done:
                body.over = True  # somebody else has worked on it: it is read again
                continue
            done = body.progress.done
            portions.append((body, body.ordered[done : done + size]))
        self._look_up([seen for _, portion in portions for seen in portion])
        for body, portion in portions:
            self._take(body, portion)
        for changed in self.changed:
            self.work.incidents.put(self.incidents[changed])
        self.work.events.append_all(self.told)
        self.work.alerts.put(self.environment, tuple(self.touched.values()))

    def _look_up(self, portion: Sequence[_Seen]) -> None:
        keys, services = {seen.key for seen in portion}, {seen.service for seen in portion}
        self.known.update(self.work.alerts.newest(self.environment, keys))
        near = {name for service in services for name in self.around.kin(service)}
        since = self.at - self.deps.terms.window
        for incident in self.work.incidents.about(self.environment, near, since):
            self.incidents[incident.id] = incident
            self.about.setdefault(incident.service, []).append(incident.id)

    def _take(self, body: _Body, portion: Sequence[_Seen]) -> None:
        joined = body.progress.joined or (
            self.work.inbox.joined(body.delivery) if body.delivery.part else ""
        )
        group = self._incident(joined) if joined else None  # one group is one incident
        for seen in self._of_trouble(portion):
            if seen.alert.state is AlertState.FIRING:
                group = self._firing(seen, group)
            elif seen.key not in body.firing:  # else it is another replica's, which fires still
                self._resolved(seen)
        done = body.progress.done + len(portion)
        told = {"done": done, "joined": group.id if group else ""}
        body.progress = body.progress.model_copy(update=told)
        body.over = done >= len(body.ordered)
        note = self.work.inbox.handled if body.over else self.work.inbox.advance
        note(body.delivery.id, body.progress)

    def _of_trouble(self, portion: Sequence[_Seen]) -> list[_Seen]:
        """Return the alerts that tell of trouble; a deadman's is heard, and opens nothing."""
        always = [opens_nothing(one.alert, self.around) for one in portion]
        fires = [
            (one.key, one.alert)
            for one, beats in zip(portion, always, strict=True)
            if beats and one.alert.state is AlertState.FIRING
        ]
        hear(self.work, self.environment, fires, self.around, self.at)
        return [one for one, beats in zip(portion, always, strict=True) if not beats]

    def _firing(self, seen: _Seen, group: Incident | None) -> Incident:
        holder = self._holder(seen.key)
        if holder is not None and (not holder.ended or self._just_ended(holder)):
            if (holder.id, seen.delivery.id) not in self.repeated:
                self.repeated.add((holder.id, seen.delivery.id))
                key = f"again-{seen.delivery.digest[:16]}-{seen.delivery.seen}"
                self._tell(holder, _received(seen, AlertNews.AGAIN), "the same alert again", key)
        else:
            joined = self._same_cause(seen.service)
            if joined is None and group is not None and not group.ended:
                joined = self.incidents[group.id]
            holder = self._open(seen) if joined is None else self._attach(joined, seen)
        self._hold(holder, seen)
        return holder

    def _holder(self, key: str) -> Incident | None:
        """Return the newest incident that has an alert of this key, if there is one."""
        known = self.known.get(key)
        return self._incident(known.incident) if known is not None else None

    def _incident(self, name: str) -> Incident | None:
        if name not in self.incidents:
            found = self.work.incidents.get(name)
            if found is None:
                return None
            self.incidents[name] = found
        return self.incidents[name]

    def _same_cause(self, service: ServiceName) -> Incident | None:
        names = (name for one in self.around.kin(service) for name in self.about.get(one, ()))
        near = (self.incidents[name] for name in names)
        unended = [one for one in near if not one.ended]
        return same_cause(service, self.at, unended, self.around.graph, self.deps.terms.window)

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
                kind=kind_of(seen.subject, self.around.names),
                name=seen.service,
            ),
            alert_names=(alert.name,),
            summary=alert.summary,
            severity=_severity(alert),
            started_at=seen.began,
            opened_at=self.at,
        )
        self._keep(incident)
        self.about.setdefault(incident.service, []).append(incident.id)
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
        names = tuple(dict.fromkeys((*incident.alert_names, alert.name)))[:NAMES]
        worst = min(incident.severity, _severity(alert))  # a worse alert makes it worse
        if (names, worst) != (incident.alert_names, incident.severity):
            told = {"alert_names": names, "severity": worst}
            incident = incident.model_copy(update=told)
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


def _severity(alert: Alert) -> Severity:
    return _SEVERITIES.get(alert.labels.get("severity", "").lower(), Severity.SEV3)


def _received(seen: _Seen, news: AlertNews) -> AlertReceived:
    return AlertReceived(news=news, alert=seen.key, name=seen.alert.name)
