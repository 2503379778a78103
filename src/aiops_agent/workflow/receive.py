"""Alerts become incidents: repeats attach, one cause is one incident, nothing is lost."""

# limit: what one alert of a body does stands together; the rest is how much of it at once.

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from aiops_agent.correlate import RULES_HOLD, fires_anew, same_cause
from aiops_agent.domain.alert import AlertNews, AlertState, IncidentAlert
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident, Status
from aiops_agent.domain.payload import AlertReceived, IncidentOpened, Payload
from aiops_agent.domain.point import Point
from aiops_agent.domain.telemetry import NAMELESS, ServiceName
from aiops_agent.domain.trace import new_trace_id
from aiops_agent.domain.watch import WATCH
from aiops_agent.ports.store import Work
from aiops_agent.workflow.around import Around, read_graph, read_rules
from aiops_agent.workflow.bodies import Body, SeenAlert
from aiops_agent.workflow.deadman import SilenceWatch, hear, opens_nothing
from aiops_agent.workflow.deps import Deps, IncidentTransaction

log = logging.getLogger(__name__)

BATCH = 50  # deliveries of one transaction; others write in between
LEAST, MOST = 100, 1000  # alerts of a portion, however slow or quick the store is
HOLD_SECONDS = 0.15  # of a transaction over a part of a long body
GAP_SECONDS = 0.11  # between two: a process that waits for SQLite looks each 0.1 s
NAMES = 200  # of alerts that an incident tells; each alert is kept with it all the same
PORTION = 250  # alerts of the first transaction over a long body; then as many as take HOLD_SECONDS
MOST_APART = 20  # incidents of one body: what more it names joins the first


@dataclass(frozen=True)
class Receive:
    """Turns kept deliveries of one environment into open incidents.

    `clock` is monotonic, in seconds.
    """

    deps: Deps
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    silence: SilenceWatch = field(init=False)

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

    def _bodies(self, environment: EnvironmentRef, around: "Around") -> tuple["Body", ...]:
        """Return the next bodies, made ready while nobody waits for it."""
        at = self.deps.environments(environment).clock.now()
        replicas = self.deps.terms.replica_labels
        with self.deps.store.read() as view:
            waiting = view.inbox.waiting(BATCH, environment=environment, alerts=PORTION)
        made_ready = partial(Body.of, around=around, replicas=replicas, at=at, at_once=PORTION)
        return tuple(map(made_ready, waiting))

    def _portion(
        self,
        environment: EnvironmentRef,
        around: "Around",
        bodies: Sequence["Body"],
        size: int,
    ) -> None:
        at = self.deps.environments(environment).clock.now()
        with self.deps.store.begin() as work:
            _Batch(self.deps, work, environment, around, at).take(bodies, size)


@dataclass
class _Batch:  # limit: what becomes of one alert, in one place
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
    nameless: dict[tuple[str, str], str] = field(default_factory=dict)  # by body and alert name
    roots: dict[tuple[str, str], str] = field(default_factory=dict)  # by body and root alert

    def take(self, bodies: Sequence[Body], size: int) -> None:
        """Turn the next `size` alerts of each body into incidents, their alerts and events."""
        portions: list[tuple[Body, tuple[SeenAlert, ...]]] = []
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

    def _look_up(self, portion: Sequence[SeenAlert]) -> None:
        keys, services = {seen.key for seen in portion}, {seen.service for seen in portion}
        self.known.update(self.work.alerts.newest(self.environment, keys))
        near = {name for service in services for name in self.around.kin(service)}
        since = self.at - max(self.deps.terms.window, RULES_HOLD)
        for incident in self.work.incidents.about(self.environment, near, since):
            self.incidents[incident.id] = incident
            self.about.setdefault(incident.service, []).append(incident.id)

    def _take(self, body: Body, portion: Sequence[SeenAlert]) -> None:
        joined = body.progress.joined or (
            self.work.inbox.joined(body.delivery) if body.delivery.part else ""
        )
        first, apart = self._incident(joined) if joined else None, body.progress.apart
        for seen in self._of_trouble(portion):
            if seen.alert.state is AlertState.FIRING:
                holder, opened = self._firing(seen, first if apart >= MOST_APART else None)
                first, apart = first or holder, apart + opened
            elif seen.key not in body.firing:  # else it is another replica's, which fires still
                self._resolved(seen)
        done = body.progress.done + len(portion)
        told = {"done": done, "joined": first.id if first else "", "apart": apart}
        body.progress = body.progress.model_copy(update=told)
        body.over = done >= len(body.ordered)
        note = self.work.inbox.handled if body.over else self.work.inbox.advance
        note(body.delivery.id, body.progress)

    def _of_trouble(self, portion: Sequence[SeenAlert]) -> list[SeenAlert]:
        """Return the alerts that tell of trouble; a deadman's is heard, and opens nothing."""
        always = [opens_nothing(one.alert, self.around) for one in portion]
        fires = [
            (one.key, one.alert)
            for one, beats in zip(portion, always, strict=True)
            if beats and one.alert.state is AlertState.FIRING
        ]
        hear(self.work, self.environment, fires, self.around, self.at)
        return [one for one, beats in zip(portion, always, strict=True) if not beats]

    def _firing(self, seen: SeenAlert, instead: Incident | None) -> tuple[Incident, bool]:
        """Give an alert its incident, `instead` of a new one; return it and whether it is new."""
        before, opened = self._holder(seen.key), False
        if before is not None and not fires_anew(before, self.known[seen.key], seen.alert, self.at):
            holder = self._again(before, seen)
        elif (joined := self._same_cause(seen) or self._going_on(instead)) is not None:
            holder = self._attach(joined, seen)
        else:
            holder, opened = self._open(seen, before), True
        self._hold(holder, seen)
        if seen.key == seen.root:
            self.roots[seen.delivery.digest, seen.root] = holder.id
        return holder, opened

    def _again(self, holder: Incident, seen: SeenAlert) -> Incident:
        """Note a repetition; what was dismissed is looked at again."""
        if holder.status is Status.DISMISSED and holder.closed and not holder.looking:
            holder = holder.look_again()
            self._keep(holder)
        if (holder.id, seen.delivery.id) not in self.repeated:
            self.repeated.add((holder.id, seen.delivery.id))
            key = f"again-{seen.delivery.digest[:16]}-{seen.delivery.seen}"
            self._tell(holder, _received(seen, AlertNews.AGAIN), "the same alert again", key)
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

    def _going_on(self, incident: Incident | None) -> Incident | None:
        found = self._incident(incident.id) if incident else None
        return found if found and not found.ended and not found.merged_into else None

    def _same_cause(self, seen: SeenAlert) -> Incident | None:
        service = seen.service
        if service == NAMELESS:  # of what came together, the same said of things without a name
            like = self.nameless.get((seen.delivery.digest, seen.alert.name))
            return self._going_on(self.incidents[like]) if like else None
        names = (name for one in self.around.kin(service) for name in self.about.get(one, ()))
        near = (self.incidents[name] for name in names)
        unended = [one for one in near if not one.ended and not one.merged_into]
        joined = same_cause(service, self.at, unended, self.around.graph, self.deps.terms.window)
        root = self.roots.get((seen.delivery.digest, seen.root))  # of what came together
        return joined or (self._going_on(self.incidents[root]) if root else None)

    def _open(self, seen: SeenAlert, before: Incident | None) -> Incident:
        alert, delivery = seen.alert, seen.delivery
        incident = seen.incident(self.work.incidents.new_id(), self.environment, self.at)
        if before is not None:
            incident = incident.following(before, self.at, self.deps.terms.flap_window)
        self._keep(incident)
        self.about.setdefault(incident.service, []).append(incident.id)
        if seen.service == NAMELESS:
            self.nameless[delivery.digest, alert.name] = incident.id
        left_out = f" · {delivery.truncated} alerts left out" if delivery.truncated else ""
        again = f" · fires again after {incident.after}" if incident.after else ""
        opened = IncidentOpened(
            alert=seen.key,
            name=alert.name,
            service=seen.service,
            severity=incident.severity,
            left_out=delivery.truncated,
            trace=new_trace_id(incident.id, incident.environment, self.deps.now()),
            after=incident.after,
            firings=incident.firings,
            quiet=incident.told is not None and incident.told.since < self.at,
        )
        self._tell(incident, opened, f"{alert.name} · {alert.summary}{again}{left_out}", "open")
        return incident

    def _attach(self, incident: Incident, seen: SeenAlert) -> Incident:
        alert = seen.alert
        names = tuple(dict.fromkeys((*incident.alert_names, alert.name)))[:NAMES]
        worst = min(incident.severity, alert.claimed)  # a worse alert makes it worse
        watched = incident.watched and alert.source == WATCH
        confirms = ", as the watch saw" if incident.watched and not watched else ""
        told = {"alert_names": names, "severity": worst, "watched": watched}
        if any(getattr(incident, name) != value for name, value in told.items()):
            incident = incident.model_copy(update=told)
            self._keep(incident)
        message = f"{alert.name} · {alert.summary} · joins: same cause{confirms}"
        self._tell(incident, _received(seen, AlertNews.JOINED), message, seen.key)
        return incident

    def _resolved(self, seen: SeenAlert) -> None:
        holder = self._holder(seen.key)
        if holder is None:
            return
        if not holder.ended:
            message = f"{seen.alert.name} · the sender says resolved; telemetry decides"
            key = f"resolved-{seen.delivery.digest[:16]}-{seen.key}"
            self._tell(holder, _received(seen, AlertNews.RESOLVED), message, key)
        self._hold(holder, seen)

    def _hold(self, incident: Incident, seen: SeenAlert) -> None:
        """Keep an alert as an incident's; what fires again after its end begins anew."""
        was, alert, group = self.known.get(seen.key), seen.alert, seen.delivery.group
        since, starts = seen.began, alert.starts_at
        if was is not None and was.incident == incident.id:
            ended = was.state is AlertState.RESOLVED and alert.state is AlertState.FIRING
            since = since if ended else was.since
            if starts and was.starts_at and not ended:  # of a sender's replicas the latest
                starts = max(starts, was.starts_at)
        # Both parts were validated when they were read; thousands need not be again.
        held = IncidentAlert.model_construct(
            **(dict(alert) | {"starts_at": starts}),
            **dict(group),
            key=seen.key,
            incident=incident.id,
            since=since,
            last_seen=self.at,
            service=seen.service,
            kind=seen.kind.value,
        )
        self.known[seen.key] = self.touched[incident.id, seen.key] = held

    def _keep(self, incident: Incident) -> None:
        self.incidents[incident.id] = incident
        self.changed[incident.id] = None

    def _tell(self, incident: Incident, payload: Payload, message: str, key: str) -> None:
        now = self.deps.now
        about = IncidentTransaction(self.work, incident, self.at, now, now())
        self.told.append(about.event(payload, message, key))


def _received(seen: SeenAlert, news: AlertNews) -> AlertReceived:
    return AlertReceived(news=news, alert=seen.key, name=seen.alert.name)
