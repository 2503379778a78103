"""Which service does the value of a label mean?"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aiops_agent.domain.declaration import Declaration
from aiops_agent.domain.survey import Instances
from aiops_agent.domain.telemetry import ServiceName

_CONTAINER_ID = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?$")
_PORT = re.compile(r"^(\[[0-9a-fA-F:]+\]|[^:]+):[0-9]{1,5}$")


@dataclass(frozen=True)
class Names:
    """Every name that is known, and whose it is; a name of two services is nobody's."""

    services: tuple[ServiceName, ...]
    declared: Mapping[ServiceName, Declaration]
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
        return cls(services, declared, owners)

    def owner(self, labels: Mapping[str, str], order: Sequence[str]) -> ServiceName | None:
        """Return whose series has these labels, asking the labels in this order."""
        for service, declaration in self.declared.items():
            wanted = declaration.match.labels
            if wanted and all(labels.get(name) == value for name, value in wanted.items()):
                return service
        meant = (self.meant(labels[name]) for name in order if labels.get(name))
        return next((service for service in meant if service is not None), None)

    def meant(self, value: str) -> ServiceName | None:
        """Return the service that a label value names, or None."""
        known = (self._owners.get(spelling) for spelling in _spellings(value.lower()))
        return next((service for service in known if service is not None), None)


def _spellings(value: str) -> list[str]:
    spellings = [value, value.removeprefix("/")]
    if port := _PORT.match(value):
        spellings.append(port.group(1).strip("[]"))
    if container := _CONTAINER_ID.search(value):
        spellings.append(container.group(1))
    if "/" in value:  # namespace/service
        spellings.append(value.rpartition("/")[2])
    first = spellings[-1].partition(".")[0]  # service.namespace.svc.cluster.local
    return [*spellings, first, first.replace("_", "-"), first.replace("-", "_")]
