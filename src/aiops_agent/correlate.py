"""Which service does an alert speak of, and which incident does it belong to?"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from aiops_agent.domain.alert import Alert, AlertState
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.meaning import AlertSubject
from aiops_agent.domain.telemetry import NAMELESS, AlertRule, ServiceGraph, ServiceName
from aiops_agent.reading.alert import read_subject

ECHO = timedelta(minutes=10)  # rules look back: a repetition so soon speaks of what is over
UNKNOWN = NAMELESS  # the service of an alert that names none


def subject_of(
    alert: Alert, known: Sequence[ServiceName], rules: Iterable[AlertRule] = ()
) -> AlertSubject:
    """Return of whom an alert speaks; its `service` is UNKNOWN where it does not say."""
    found = read_subject(alert, rules, known)
    return found if found.service else found.model_copy(update={"name": UNKNOWN})


def same_cause(
    service: ServiceName,
    at: datetime,
    open_incidents: Iterable[Incident],
    graph: ServiceGraph,
    window: timedelta,
) -> Incident | None:
    """Return an open incident of the same service, else of one that calls or is called; the newest.

    Only one that opened within `window` of `at` counts: later trouble is trouble of its own.
    An alert that names no service shares a cause with nothing.
    """
    related = kin(service, graph)
    near = (one for one in open_incidents if abs(at - one.opened_at) <= window)
    return max(
        (one for one in near if one.service in related),
        key=lambda one: (one.service == service, one.opened_at, len(one.id), one.id),
        default=None,
    )


def fires_anew(holder: Incident, was: Alert, alert: Alert, at: datetime) -> bool:
    """Whether an alert fires anew, and does not only repeat what its ended incident knows.

    It does when its sender called it resolved meanwhile or says a later beginning. What is said to
    be over by telemetry and still fires after ECHO is looked at anew as well: one of them is wrong.
    """
    if not holder.ended:
        return False
    if was.state is AlertState.RESOLVED or _later(alert.starts_at, was.starts_at):
        return True
    over = holder.resolved_at
    return over is not None and at - over >= ECHO


def _later(starts: datetime | None, known: datetime | None) -> bool:
    # Two replicas of a sender say two beginnings of one alert: only one after both is new.
    return starts is not None and (known is None or starts > known)


def kin(service: ServiceName, graph: ServiceGraph) -> frozenset[ServiceName]:
    """Return the services whose trouble may have the same cause: it, its callers, its callees."""
    if service == UNKNOWN:
        return frozenset()
    return frozenset({service, *graph.downstream(service), *graph.upstream(service)})
