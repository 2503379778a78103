"""Whose series is it? What a label means, and which label tells one service from all others."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aiops_agent.domain.declaration import Declaration
from aiops_agent.domain.labels import carried, found_by, plain, spelled
from aiops_agent.domain.survey import Instances
from aiops_agent.domain.telemetry import ServiceName

_CONTAINER_ID = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?$")
_PORT = re.compile(r"^(\[[0-9a-fA-F:]+\]|[^:]+):[0-9]{1,5}$")
REPLICA = ("instance", "pod", "container", "container_name", "name", "id", "service_instance_id")
# Labels that a person chose to name a service, so that their value may stand for one.
_NAMING = ("service", "service_name", "exported_service_name", "app", "application", "job")

Row = Mapping[str, str]


@dataclass(frozen=True)
class Names:
    """Every name that is known, and whose it is; a name of two services is nobody's.

    `through` is for series of things that exporters tell of: a job redis-exporter means redis.
    """

    services: tuple[ServiceName, ...]
    declared: Mapping[ServiceName, Declaration]
    through: bool = False
    _owners: Mapping[str, ServiceName] = field(repr=False, default_factory=dict)

    @classmethod
    def of(
        cls, running: Iterable[Instances], declared: Mapping[ServiceName, Declaration]
    ) -> "Names":
        """Return the names of running and declared services; a service's own name goes first."""
        found = tuple(running)
        services = tuple(dict.fromkeys([*(one.service for one in found), *declared]))
        claims: dict[str, set[ServiceName]] = {}
        for one in found:
            for alias in one.aliases:
                claims.setdefault(alias.lower(), set()).add(one.service)
        owners = {alias: min(whose) for alias, whose in claims.items() if len(whose) == 1}
        owners |= {service.lower(): service for service in services}
        return cls(services, declared, _owners=owners)

    def owner(self, labels: Mapping[str, str], order: Sequence[str]) -> ServiceName | None:
        """Return whose series has these labels, asking the labels in this order."""
        for service, declaration in self.declared.items():
            wanted = declaration.match.labels
            if wanted and all(labels.get(name) == value for name, value in wanted.items()):
                return service
        meant = (self.meant(labels[name]) for name in order if labels.get(name))
        return next((service for service in meant if service is not None), None)

    def adopting(self, aliases: Iterable[tuple[str, ServiceName]]) -> "Names":
        """Return the names with some more, where they are nobody's yet."""
        more = {alias.lower(): service for alias, service in aliases}
        return replace(self, _owners={**more, **self._owners})

    def meant(self, value: str) -> ServiceName | None:
        """Return the service that a label value names, or None."""
        if self.through and (behind := self._owners.get(carried(value).lower())):
            return behind
        known = (self._owners.get(spelling) for spelling in spellings(value.lower()))
        found = next((service for service in known if service is not None), None)
        if self.through and found is not None:  # an address of the exporter's means the thing, too
            return self._owners.get(carried(found).lower(), found)
        return found


def spellings(value: str) -> list[str]:
    """Return how else a label's value may be written: less a port, namespace, domain, suffix."""
    found = [value, value.removeprefix("/")]
    if port := _PORT.match(value):
        found.append(port.group(1).strip("[]"))
    if container := _CONTAINER_ID.search(value):
        found.append(container.group(1))
    found.append(plain(value))
    first = found[-1].partition(".")[0]  # service.namespace.svc.cluster.local
    found += [first, first.replace("_", "-"), first.replace("-", "_")]
    return [*found, *spelled(first)]


@dataclass(frozen=True)
class Mark:
    """`label` with one of `values` is this service's and no other's."""

    label: str
    values: tuple[str, ...]


def marks(rows: Sequence[Row], order: Sequence[str], names: Names) -> dict[ServiceName, Mark]:
    """Return how each service's rows of one metric are told apart, asking labels in this order."""
    owned = [(row, names.owner(row, order)) for row in rows]
    services = dict.fromkeys(owner for _, owner in owned if owner is not None)
    strangers = [row for row, owner in owned if owner is None]
    found = {}
    for service in services:
        own = [row for row, owner in owned if owner == service]
        others = [row for row, owner in owned if owner not in {service, None}]
        apart = [mark for name in order if (mark := _apart(name, own, others)) is not None]
        honest = [mark for mark in apart if _honest(mark, service, strangers, names)]
        if honest:
            found[service] = min(honest, key=lambda mark: _lasting(mark, service))
    return found


def _honest(mark: Mark, service: ServiceName, strangers: Sequence[Row], names: Names) -> bool:
    """Whether all its values are this service's.

    Nameless rows beside them may be its replicas of before, but not under a job such as docker.
    """
    shared = {row.get(mark.label) for row in strangers}
    if any(found_by(value) and value in shared for value in mark.values):
        return False
    return all(names.meant(value) in {service, None} for value in mark.values)


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
