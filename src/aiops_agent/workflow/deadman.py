"""A deadman's alert fires always: it opens nothing, and its silence tells that alerts are lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aiops_agent.domain.alert import Alert, Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.heartbeat import Heartbeat
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import IncidentOpened
from aiops_agent.domain.quantity import roughly
from aiops_agent.domain.remediation import Target, TargetKind
from aiops_agent.domain.telemetry import NAMELESS
from aiops_agent.domain.trace import new_trace_id
from aiops_agent.ports.store import Work
from aiops_agent.reading.alert import expression_of
from aiops_agent.reading.claim import beats, fires_always
from aiops_agent.workflow.around import Around
from aiops_agent.workflow.deps import Deps, IncidentTransaction

LOOK_SECONDS = 30.0  # between two looks for silence


def opens_nothing(alert: Alert, around: Around) -> bool:
    """Whether an alert is of no trouble: it fires always, or over other alerts only."""
    return fires_always(alert, expression_of(alert, around.rules.get(alert.name, ())))


def hear(
    work: Work,
    environment: EnvironmentRef,
    fired: Sequence[tuple[str, Alert]],
    around: Around,
    at: datetime,
) -> None:
    """Keep that deadman's alerts fired, by their keys."""
    rules = around.rules
    beating = [
        (key, alert)
        for key, alert in fired
        if beats(alert, expression_of(alert, rules.get(alert.name, ())))
    ]
    if not beating:
        return
    known = {one.key: one for one in work.heartbeats.listed(environment)}
    for key, alert in beating:
        was = known.get(key)
        fresh = Heartbeat(key=key, name=alert.name, labels=alert.labels, heard=at)
        work.heartbeats.put(environment, fresh if was is None else was.again(at))


@dataclass
class SilenceWatch:
    """Opens an incident for each deadman's alert that fell silent.

    Only silence that was listened to counts: while nobody took alerts in, none could be heard.
    """

    deps: Deps
    _since: dict[EnvironmentRef, datetime] = field(default_factory=dict)
    _looked: dict[EnvironmentRef, float] = field(default_factory=dict)

    def look(self, environment: EnvironmentRef, monotonic: float) -> None:
        """Look, at most once in LOOK_SECONDS. Raises StoreError."""
        if monotonic - self._looked.get(environment, -LOOK_SECONDS) < LOOK_SECONDS:
            return
        self._looked[environment] = monotonic
        at = self.deps.environments(environment).clock.now()
        since = self._since.setdefault(environment, at)
        with self.deps.store.read() as view:
            known = view.heartbeats.listed(environment)
        if any(self._silent(one, at, since) for one in known):
            with self.deps.store.begin() as work:
                for one in work.heartbeats.listed(environment):
                    if self._silent(one, at, since):
                        self._open(work, environment, one, at)

    def _silent(self, one: Heartbeat, at: datetime, since: datetime) -> bool:
        heard = one.model_copy(update={"heard": max(one.heard, since)})
        return heard.silent(at, self.deps.terms.deadman)

    def _open(self, work: Work, environment: EnvironmentRef, one: Heartbeat, at: datetime) -> None:
        length = roughly(at - one.heard)
        title = f"{one.name} has not fired for {length}: alerts may no longer arrive"
        incident = open_about_all(
            self.deps,
            work,
            environment,
            title,
            name=one.name,
            key=one.key,
            started=one.heard,
            at=at,
        )
        work.heartbeats.put(environment, one.model_copy(update={"incident": incident.id}))


def open_about_all(
    deps: Deps,
    work: Work,
    environment: EnvironmentRef,
    title: str,
    *,
    name: str,
    key: str,
    started: datetime,
    at: datetime,
) -> Incident:
    """Open an incident about a whole environment, which no alert of a sender tells of."""
    incident = Incident(
        id=work.incidents.new_id(),
        environment=environment,
        title=title,
        subject=Target(environment=environment, kind=TargetKind.CLUSTER, name=NAMELESS),
        alert_names=(name,),
        summary=title,
        severity=Severity.SEV2,
        started_at=started,
        opened_at=at,
    )
    work.incidents.put(incident)
    said = IncidentOpened(
        alert=key,
        name=name,
        service=incident.service,
        severity=incident.severity,
        trace=new_trace_id(incident.id, environment, deps.now()),
    )
    about = IncidentTransaction(work, incident, at, deps.now, deps.now())
    work.events.append_all([about.event(said, title, "open")])
    return incident
