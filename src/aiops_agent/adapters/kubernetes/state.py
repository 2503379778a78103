"""A cluster as it was read: objects by kind, who owns whom, and what may not be read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from aiops_agent.adapters.kubernetes import fields, kinds
from aiops_agent.adapters.kubernetes.kinds import Kind
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.value import Document

MOST_STEPS = 4  # up a chain of owners: pod, ReplicaSet, Deployment, and what made that
_NOT_SERVING = ("Job", "CronJob")
SERVING = ("Deployment", "StatefulSet", "DaemonSet")  # what may stand behind a Service


@dataclass(frozen=True)
class Thing:
    """One object: `of` is its kind. What is asked of it for each look is worked out once."""

    of: str
    document: Document

    @cached_property
    def name(self) -> str:
        """Its name."""
        return fields.text(self.document, "metadata", "name")

    @cached_property
    def namespace(self) -> str:
        """Its namespace, "" where it has none."""
        return fields.text(self.document, "metadata", "namespace")

    @property
    def uid(self) -> str:
        """What tells it from one of the same name."""
        return fields.text(self.document, "metadata", "uid")

    @cached_property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return fields.pairs(self.document, "metadata", "labels")

    @property
    def annotations(self) -> dict[str, str]:
        """Its annotations."""
        return fields.pairs(self.document, "metadata", "annotations")

    @property
    def created(self) -> datetime | None:
        """When it was made."""
        return fields.moment(self.document, "metadata", "creationTimestamp")

    @property
    def deleted(self) -> datetime | None:
        """When its end was asked for, or None."""
        return fields.moment(self.document, "metadata", "deletionTimestamp")

    @cached_property
    def key(self) -> "Key":
        """What it is."""
        return Key(self.of, self.namespace, self.name)

    @cached_property
    def owner(self) -> "Key | None":
        """Who controls it."""
        for one in fields.many(self.document, "metadata", "ownerReferences"):
            if one.get("controller") is True and fields.text(one, "name"):
                return Key(fields.text(one, "kind"), self.namespace, fields.text(one, "name"))
        return None


@dataclass(frozen=True, order=True)
class Key:
    """Which object: its kind, its namespace ("" without one), its name."""

    of: str
    namespace: str
    name: str


@dataclass(frozen=True)
class ClusterState:
    """What was read at a moment; `unreadable` says by kind why one was not."""

    at: datetime
    objects: Mapping[Kind, Sequence[Document]]
    unreadable: Mapping[Kind, str] = field(default_factory=dict)

    def later(self, at: datetime) -> "ClusterState":
        """Return the same objects at a later moment; what was worked out of them is kept."""
        made = replace(self, at=at)
        vars(made).update({key: value for key, value in vars(self).items() if key != "at"})
        return made

    def like(self, before: "ClusterState") -> "ClusterState":
        """Return the same; of objects that are those of `before` nothing is worked out again."""
        known = {
            id(one.document): one
            for kind in self.objects
            for one in before._things.get(kind, ())  # noqa: SLF001 -- of the same class
        }
        vars(self)["_things"] = {
            kind: [
                one for doc in found if (one := known.get(id(doc)) or Thing(kind.title, doc)).name
            ]
            for kind, found in self.objects.items()
        }
        return self

    def all(self, *wanted: Kind) -> list[Thing]:
        """Return the objects of these kinds that have a name."""
        return [thing for kind in wanted for thing in self._things.get(kind, ())]

    def find(self, key: Key) -> Thing | None:
        """Return one object, or None."""
        return self._by_key.get(key)

    def knows(self, kind: Kind) -> bool:
        """Whether the kind was read: only then does an absent object not exist."""
        return kind in self.objects and kind not in self.unreadable

    def root(self, thing: Thing) -> Key:
        """Return what made an object in the end: the Deployment of a pod; itself without owner."""
        key = thing.key
        for _ in range(MOST_STEPS):
            owner = thing.owner
            if owner is None or owner.of == "Node":  # a static pod is its own
                return key
            key, found = owner, self.find(owner)
            if found is None:
                return _unhashed(owner, thing)
            thing = found
        return key

    @cached_property
    def pods(self) -> dict[Key, list[Thing]]:
        """Pods by what made them in the end."""
        found: dict[Key, list[Thing]] = {}
        for pod in self.all(kinds.PODS):
            found.setdefault(self.root(pod), []).append(pod)
        return found

    @cached_property
    def workloads(self) -> dict[Key, Thing | None]:
        """Everything that has pods or wants some; None where the object itself is not read."""
        found: dict[Key, Thing | None] = dict.fromkeys(self.pods)
        for thing in self.all(*kinds.WORKLOADS):
            if thing.owner is None:
                found[thing.key] = thing
        return {key: thing or self.find(key) for key, thing in found.items()}

    @cached_property
    def serving(self) -> "dict[Key, Thing | None]":
        """The workloads that go on for ever; a bare pod counts where a Service chooses it."""
        chosen = {self.root(pod) for one in self.all(kinds.SERVICES) for pod in self.behind(one)}
        return {
            key: thing
            for key, thing in sorted(self.workloads.items(), key=lambda item: item[0])
            if key.of not in _NOT_SERVING and (key.of != "Pod" or key in chosen)
        }

    @cached_property
    def names(self) -> dict[Key, ServiceName]:
        """How each workload is called as a service.

        By its own name; where several namespaces have one of that name, by "namespace/name".
        """
        homes: dict[str, set[str]] = {}
        for key in self.workloads:
            homes.setdefault(key.name, set()).add(key.namespace)
        return {
            key: ServiceName(
                f"{key.namespace}/{key.name}" if len(homes[key.name]) > 1 else key.name
            )
            for key in self.workloads
        }

    def service_of(self, thing: Thing) -> ServiceName:
        """Return the service that an object belongs to, "" when to none."""
        return self.names.get(self.root(thing), ServiceName(""))

    def behind(self, service: Thing) -> list[Thing]:
        """Return the pods that the selector of a Service takes; [] when it has none."""
        selector = fields.pairs(service.document, "spec", "selector")
        if not selector:
            return []
        first = next(iter(selector.items()))
        pods = self._labelled.get((service.namespace, *first), ())
        return [pod for pod in pods if selector.items() <= pod.labels.items()]

    def inside(self, namespace: str) -> list[Thing]:
        """Return the pods of a namespace."""
        return self._pods_in.get(namespace, [])

    def owned(self, owner: Key) -> list[Thing]:
        """Return what an object controls directly, such as the ReplicaSets of a Deployment."""
        return self._owned.get(owner, [])

    def on_node(self, name: str) -> list[Thing]:
        """Return the pods that were placed on a node."""
        return self._placed.get(name, [])

    def events(self, key: Key) -> list[Document]:
        """Return what was reported of an object, the oldest first."""
        return self._events.get(key, [])

    @cached_property
    def _things(self) -> dict[Kind, list[Thing]]:
        return {
            kind: [one for doc in found if (one := Thing(kind.title, doc)).name]
            for kind, found in self.objects.items()
        }

    @cached_property
    def _by_key(self) -> dict[Key, Thing]:
        return {one.key: one for found in self._things.values() for one in found}

    @cached_property
    def _pods_in(self) -> dict[str, list[Thing]]:
        found: dict[str, list[Thing]] = {}
        for pod in self.all(kinds.PODS):
            found.setdefault(pod.namespace, []).append(pod)
        return found

    @cached_property
    def _labelled(self) -> dict[tuple[str, str, str], list[Thing]]:
        found: dict[tuple[str, str, str], list[Thing]] = {}
        for pod in self.all(kinds.PODS):
            for name, value in pod.labels.items():
                found.setdefault((pod.namespace, name, value), []).append(pod)
        return found

    @cached_property
    def _owned(self) -> dict[Key, list[Thing]]:
        found: dict[Key, list[Thing]] = {}
        for one in self.all(kinds.PODS, kinds.REPLICA_SETS, kinds.REVISIONS, kinds.JOBS):
            if (owner := one.owner) is not None:
                found.setdefault(owner, []).append(one)
        return found

    @cached_property
    def _placed(self) -> dict[str, list[Thing]]:
        found: dict[str, list[Thing]] = {}
        for pod in self.all(kinds.PODS):
            found.setdefault(fields.text(pod.document, "spec", "nodeName"), []).append(pod)
        return found

    @cached_property
    def _events(self) -> dict[Key, list[Document]]:
        found: dict[Key, list[Document]] = {}
        for one in self.all(kinds.EVENTS):
            about = fields.field(one.document, "involvedObject")
            key = Key(*(fields.text(about, name) for name in ("kind", "namespace", "name")))
            found.setdefault(key, []).append(one.document)
        for said in found.values():
            said.sort(key=lambda one: (seen(one) or self.at).timestamp())
        return found


def seen(event: Document) -> datetime | None:
    """Return when an event was last seen: some sources set only `eventTime`."""
    times = (
        fields.moment(event, "series", "lastObservedTime"),
        fields.moment(event, "lastTimestamp"),
        fields.moment(event, "eventTime"),
        fields.moment(event, "metadata", "creationTimestamp"),
    )
    return next((one for one in times if one is not None), None)


def latest(events: Iterable[Document], *reasons: str) -> Document:
    """Return the last event of one of these reasons, or {}."""
    found = [one for one in events if fields.text(one, "reason") in reasons]
    return found[-1] if found else {}


def _unhashed(owner: Key, thing: Thing) -> Key:
    """Return the Deployment of a ReplicaSet that was not read: its pods bear its hash."""
    mark = thing.labels.get("pod-template-hash", "")
    if owner.of == "ReplicaSet" and mark and owner.name.endswith(f"-{mark}"):
        return Key("Deployment", owner.namespace, owner.name.removesuffix(f"-{mark}"))
    return owner
