"""Which services run in a cluster, on how many pods, and whom their settings say that they call."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiops_agent.adapters.kubernetes import fields, history, kinds
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.rollouts import wants
from aiops_agent.adapters.kubernetes.state import ClusterState, Key, Thing
from aiops_agent.domain.images import kind_of
from aiops_agent.domain.survey import Instances
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceKind, ServiceName
from aiops_agent.domain.value import Document

CALLS = "aiops.calls"  # an annotation of the workload: names parted by commas, as on a container
OWNER = "aiops.owner"
KIND = "aiops.kind"
# An address in a setting: after a scheme or a user, or with a port. A bare word is no address.
_HOST = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9-]{1,63}){0,5}"
_ADDRESS = re.compile(rf"(?:(?:://|@|\()({_HOST})\b)|(?:(?<![\w.-])({_HOST}):\d{{2,5}}\b)")
_LONGEST = 2000  # characters of a setting that are looked through


@dataclass(frozen=True)
class KubernetesTopology:
    """The Topology port, and the roster of what runs under which names."""

    cluster: Cluster
    _known: list[tuple[object, ServiceGraph]] = field(
        default_factory=list, compare=False, repr=False
    )

    async def graph(self) -> ServiceGraph:
        """Return services with the replicas that they want, and calls. Raises SourceError."""
        state = await self.cluster.state()
        if not self._known or self._known[0][0] is not state.objects:
            self._known[:] = [(state.objects, graph_of(state))]
        return self._known[0][1]

    async def instances(self) -> tuple[Instances, ...]:
        """Return every service with the names and addresses of its pods. Raises SourceError."""
        state = await self.cluster.state()
        return tuple(
            Instances(
                service=state.names[key],
                aliases=tuple(
                    alias for pod in state.pods.get(key, ()) for alias in _aliases(pod) if alias
                ),
            )
            for key in state.serving
        )


def graph_of(state: ClusterState) -> ServiceGraph:
    """Return the services of a cluster and who calls whom, as far as settings tell."""
    known = state.serving
    meant = _meant(state, known)
    calls: dict[tuple[ServiceName, ServiceName], None] = {}
    for key, thing in known.items():
        for name in _callees(state, key, thing):
            callee = meant.get((key.namespace, name)) or meant.get(_whole(name))
            if callee is not None and callee != state.names[key]:
                calls[state.names[key], callee] = None
    services: dict[ServiceName, Service] = {}
    for key, thing in known.items():
        services.setdefault(state.names[key], _service(state, key, thing))
    for outside in _outside(state):
        services.setdefault(outside.name, outside)
    return ServiceGraph(services=tuple(services.values()), calls=tuple(calls))


def _service(state: ClusterState, key: Key, thing: Thing | None) -> Service:
    pods = state.pods.get(key, ())
    running = [pod for pod in pods if fields.text(pod.document, "status", "phase") == "Running"]
    wanted = wants(thing)  # what runs of it now is a signal
    template = _template(thing, pods)
    said = thing.annotations if thing else {}
    image = history.images_of(template)
    return Service(
        name=state.names[key],
        kind=kind_of(image, [said[KIND]] if KIND in said else ()),
        owner=said.get(OWNER, ""),
        release=image[:200],
        replicas=len([o for o in running if o.deleted is None]) if wanted is None else wanted,
    )


def _template(thing: Thing | None, pods: "list[Thing] | tuple[Thing, ...]") -> Document:
    """Return the pod template of a workload, or a pod of it where it is not read."""
    found = fields.field(thing.document, "spec", "template") if thing else None
    if isinstance(found, dict):
        return found
    return pods[-1].document if pods else {}


def _outside(state: ClusterState) -> Iterator[Service]:
    """Yield the Services that only give a name to something outside of the cluster."""
    for one in state.all(kinds.SERVICES):
        if fields.text(one.document, "spec", "type") == "ExternalName":
            yield Service(name=ServiceName(one.name), kind=ServiceKind.EXTERNAL)


def _meant(
    state: ClusterState, known: dict[Key, Thing | None]
) -> dict[tuple[str, str], ServiceName]:
    """Return whom a host name means, by (namespace, name): what its Service chooses."""
    found: dict[tuple[str, str], ServiceName] = {}
    for one in state.all(kinds.SERVICES):
        roots = {state.root(pod) for pod in state.behind(one)}
        own = Key("Deployment", one.namespace, one.name)
        chosen = next(iter(sorted(roots & known.keys())), own if own in known else None)
        if chosen is not None:
            found[one.namespace, one.name] = state.names[chosen]
        elif fields.text(one.document, "spec", "type") == "ExternalName":
            found[one.namespace, one.name] = ServiceName(one.name)
    for key in known:
        found.setdefault((key.namespace, key.name), state.names[key])
    return found


def _whole(name: str) -> tuple[str, str]:
    """Return (namespace, name) of "db.shop.svc.cluster.local" or "db.shop"."""
    host, _, rest = name.partition(".")
    return rest.partition(".")[0], host


def _callees(state: ClusterState, key: Key, thing: Thing | None) -> Iterator[str]:
    """Yield host names that a workload says, or its settings show, that it calls."""
    if thing is not None and (said := thing.annotations.get(CALLS)):
        yield from (name.strip() for name in said.split(",") if name.strip())
        return
    for one in history.containers(_template(thing, state.pods.get(key, ()))):
        values = [fields.text(item, "value") for item in fields.many(one, "env")]
        for value in (*values, *fields.texts(one, "args"), *fields.texts(one, "command")):
            for found in _ADDRESS.finditer(value[:_LONGEST]):
                yield found[1] or found[2]


def _aliases(pod: Thing) -> list[str]:
    addresses = [fields.text(one, "ip") for one in fields.many(pod.document, "status", "podIPs")]
    if fields.field(pod.document, "spec", "hostNetwork") is True:
        addresses = []  # the node's own, which many share
    return [pod.name, *addresses]
