"""Which service does an alert speak of, and which incident does it belong to?"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from aiops_agent.domain.alert import Alert
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.meaning import AlertSubject
from aiops_agent.domain.telemetry import AlertRule, ServiceGraph, ServiceName
from aiops_agent.reading.alert import read_subject

UNKNOWN = ServiceName("unknown")  # the service of an alert that names none


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


def kin(service: ServiceName, graph: ServiceGraph) -> frozenset[ServiceName]:
    """Return the services whose trouble may have the same cause: it, its callers, its callees."""
    if service == UNKNOWN:
        return frozenset()
    return frozenset({service, *graph.downstream(service), *graph.upstream(service)})
