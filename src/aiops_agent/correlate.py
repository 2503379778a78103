"""Which service does an alert speak of, and which incident does it belong to?"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from aiops_agent.domain.alert import Alert
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.telemetry import ServiceGraph, ServiceName

# Labels that name a service, the most telling first.
SERVICE_LABELS = (
    "service",
    "service_name",
    "app",
    "app_kubernetes_io_name",
    "aiops_service",
    "deployment",
    "workload",
    "compose_service",
    "container_label_com_docker_compose_service",
    "job",
    "destination_service_name",
    "container",
    "name",
)

UNKNOWN = ServiceName("unknown")  # the service of an alert that names none


def service_of(alert: Alert, known: Sequence[ServiceName]) -> ServiceName:
    """Return the service that an alert speaks of; a known name wins over an unknown one."""
    named = [alert.labels[label] for label in SERVICE_LABELS if alert.labels.get(label)]
    for value in (*named, *alert.labels.values()):
        if value in known:
            return ServiceName(value)
    words = set(re.split(r"[^\w-]+", alert.summary))
    for name in known:
        if name in words:
            return name
    return ServiceName(named[0]) if named else UNKNOWN


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
