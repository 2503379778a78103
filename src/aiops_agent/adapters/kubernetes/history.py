"""Revisions of a Deployment, as its ReplicaSets keep them."""

from dataclasses import dataclass

from aiops_agent.adapters.kubernetes import fields, kinds
from aiops_agent.adapters.kubernetes.state import ClusterState, Key, Thing
from aiops_agent.domain.value import Document

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


@dataclass(frozen=True)
class Revision:
    """One template that a Deployment had; `number` grows, also when an old one is used again."""

    number: int
    set: Thing

    @property
    def template(self) -> Document:
        """The pod template."""
        found = fields.field(self.set.document, "spec", "template")
        return found if isinstance(found, dict) else {}

    @property
    def images(self) -> str:
        """What its containers run."""
        return images_of(self.template)


def revisions(state: ClusterState, workload: Key) -> list[Revision]:
    """Return the revisions of a Deployment that are still kept, the newest last."""
    found = [
        Revision(int(number), one)
        for one in state.owned(workload)
        if one.of == kinds.REPLICA_SETS.title
        and (number := one.annotations.get(REVISION, "")).isdecimal()
    ]
    return sorted(found, key=lambda one: one.number)


def before(state: ClusterState, pod: Thing) -> Revision | None:
    """Return the revision before that of a pod, if the pod is of the newest."""
    known = revisions(state, state.root(pod))
    newest = known[-1] if known else None
    if newest is None or len(known) < 2 or pod.owner != newest.set.key:
        return None
    return known[-2]


def containers(template: Document) -> list[Document]:
    """Return the containers of a pod template or a pod, those that initialise it first."""
    spec = fields.field(template, "spec")
    return [*fields.many(spec, "initContainers"), *fields.many(spec, "containers")]


def images_of(template: Document) -> str:
    """Return the images of a template's main containers, parted by commas."""
    found = [fields.text(one, "image") for one in fields.many(template, "spec", "containers")]
    return ", ".join(dict.fromkeys(found))
