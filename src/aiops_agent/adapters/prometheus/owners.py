"""Which label, and which of its values, tell one service's series from all others?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiops_agent.adapters.prometheus.names import Names
from aiops_agent.domain.telemetry import ServiceName

# Labels that a person chose to name a service, so that their value may stand for one.
_NAMING = ("service", "service_name", "exported_service_name", "app", "application", "job")

Row = Mapping[str, str]


@dataclass(frozen=True)
class Mark:
    """`label` with one of `values` is this service's and no other's."""

    label: str
    values: tuple[str, ...]


def marks(rows: Sequence[Row], order: Sequence[str], names: Names) -> dict[ServiceName, Mark]:
    """Return how each service's rows of one metric are told apart, asking labels in this order."""
    owned = [(row, names.owner(row, order)) for row in rows]
    services = dict.fromkeys(owner for _, owner in owned if owner is not None)
    found = {}
    for service in services:
        own = [row for row, owner in owned if owner == service]
        others = [row for row, owner in owned if owner not in {service, None}]
        if mark := _mark(service, own, others, order, names):
            found[service] = mark
    return found


def newcomer(row: Row, order: Sequence[str]) -> ServiceName | None:
    """Return what the row's service is called when nobody else tells which services there are."""
    named = (row[name] for name in order if row.get(name) and name not in _REPLICA)
    value = next(named, None)
    return ServiceName(value.rpartition("/")[2]) if value else None


_REPLICA = ("instance", "pod", "container", "container_name", "name", "id", "service_instance_id")


def _mark(
    service: ServiceName,
    own: Sequence[Row],
    others: Sequence[Row],
    order: Sequence[str],
    names: Names,
) -> Mark | None:
    apart = [mark for name in order if (mark := _apart(name, own, others)) is not None]
    honest = [
        mark
        for mark in apart
        if all(names.meant(value) in {service, None} for value in mark.values)
    ]
    return min(honest, key=lambda mark: _lasting(mark, service), default=None)


def _lasting(mark: Mark, service: ServiceName) -> int:
    """Lower is better: a name outlives the replicas that carry it now."""
    if len(mark.values) > 1:
        return 3
    if mark.values[0].lower() == service.lower():
        return 0
    return 1 if mark.label in _NAMING else 2


def _apart(name: str, own: Sequence[Row], others: Sequence[Row]) -> Mark | None:
    values = dict.fromkeys(row.get(name, "") for row in own)
    if "" in values or values.keys() & {row.get(name) for row in others}:
        return None
    return Mark(name, tuple(values))
