"""A body of alerts, made ready: what each alert is about, and in which order they are taken."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aiops_agent.correlate import AlertOnset, correlate, kind_of, subject_of
from aiops_agent.domain.alert import Alert, AlertState, Delivery, Progress
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.meaning import AlertSubject
from aiops_agent.domain.remediation import Target, TargetKind
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.watch import WATCH
from aiops_agent.workflow.around import Around

OLDEST = timedelta(hours=6)  # an alert that claims to be older is dated by its arrival


@dataclass(frozen=True)
class SeenAlert:
    """One alert of a delivery, with what is worked out once: a body may hold thousands."""

    alert: Alert
    key: str
    subject: AlertSubject
    kind: TargetKind
    began: datetime
    delivery: Delivery
    root: str = ""  # the key of the alert with which its storm began

    @property
    def service(self) -> ServiceName:
        """The name under which its incident is looked for."""
        return ServiceName(self.subject.service)

    def incident(self, name: IncidentId, environment: EnvironmentRef, at: datetime) -> Incident:
        """Return an incident that this alert opens."""
        return Incident(
            id=name,
            environment=environment,
            title=self.alert.summary,
            subject=Target(
                environment=environment,
                kind=self.kind,
                name=self.service,
            ),
            alert_names=(self.alert.name,),
            summary=self.alert.summary,
            severity=self.alert.claimed,
            started_at=self.began,
            opened_at=at,
            watched=self.alert.source == WATCH,
        )


@dataclass
class Body:
    """A delivery, made ready to be handled from `progress` on."""

    delivery: Delivery
    progress: Progress
    ordered: tuple[SeenAlert, ...]  # the deepest of each cause first; of a long body the leader
    firing: frozenset[str]  # keys
    over: bool = False

    @classmethod
    def of(
        cls,
        delivery: Delivery,
        around: Around,
        *,
        replicas: Collection[str],
        at: datetime,
        at_once: int,
    ) -> "Body":
        """Work out what is the same for every portion; `at_once` alerts are taken in the first."""
        seen = [_seen(alert, delivery, around, replicas, at) for alert in delivery.alerts]
        storms = _storms(seen, around)
        fires = [n for n, one in enumerate(seen) if one.alert.state is AlertState.FIRING]
        progress, keys = delivery.progress, frozenset(seen[n].key for n in fires)
        if progress.done or not fires:
            return cls(delivery, progress, _led(seen, progress.lead), keys)
        first = [n for storm in storms for n in storm]
        progress = progress.model_copy(update={"lead": first[0]})
        if len(seen) > at_once:  # only the leader is on record: the graph may be another one later
            return cls(delivery, progress, _led(seen, first[0]), keys)
        rest = (one for one in seen if one.alert.state is not AlertState.FIRING)
        return cls(delivery, progress, (*(seen[n] for n in first), *rest), keys)


def _storms(seen: list[SeenAlert], around: Around) -> list[list[int]]:
    """Tell each firing alert its root; return the storms, the deepest first, each from its root."""
    fires = [n for n, one in enumerate(seen) if one.alert.state is AlertState.FIRING]
    found = correlate([AlertOnset(seen[n].service, seen[n].began) for n in fires], around.graph)
    storms = []
    for storm in found:
        root, own = fires[storm.root], [fires[n] for n in storm.alerts]
        for n in own:
            seen[n] = replace(seen[n], root=seen[root].key)
        depth = {n: -around.depth(seen[n].service) for n in own}
        storms.append(sorted(own, key=lambda n: (n != root, depth[n], seen[n].began)))
    return sorted(storms, key=lambda own: (-around.depth(seen[own[0]].service), seen[own[0]].began))


def _led(seen: list[SeenAlert], lead: int) -> tuple[SeenAlert, ...]:
    return (*seen[lead : lead + 1], *seen[:lead], *seen[lead + 1 :])


def _seen(
    alert: Alert, delivery: Delivery, around: Around, replicas: Collection[str], at: datetime
) -> SeenAlert:
    began = alert.starts_at
    if began is None or began > at or began < at - OLDEST:
        began = at
    subject = subject_of(alert, around.names, around.rules.get(alert.name, ()))
    kind = kind_of(subject, around.names)
    return SeenAlert(alert, alert.identity(replicas), subject, kind, began, delivery)
