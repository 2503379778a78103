"""An object as the API server has it at this moment, and who else changes it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiops_agent.adapters.kubernetes.kinds import DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS, Kind
from aiops_agent.domain.remediation import TargetKind
from aiops_agent.domain.text import shell
from aiops_agent.domain.value import Document, Json

MARK = "aiops-agent/operation"  # the annotation that says which operation of ours changed it last
CHANGEABLE: Mapping[str, Kind] = {
    one.title: one for one in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS)
}
_HELM = "meta.helm.sh/release-name"
_MANAGED_BY = "app.kubernetes.io/managed-by"
_LONGEST = 120  # characters of a foreign name in our words

# Who puts a workload back to what stands elsewhere: the start of a label's or an annotation's name,
# or of the name under which it wrote. The names are those that the tools document. Whether one of
# them is told to leave this workload alone stands in objects of its own that we do not read.
_RECONCILERS = {
    "Argo CD": ("argocd.argoproj.io/", "argocd"),
    "Flux": ("kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/", "kustomize-controller"),
    "Flux's Helm": ("helm-controller",),
    "Rancher": ("fleet.cattle.io/", "objectset.rio.cattle.io/", "fleetagent", "fleet-agent"),
    "Config Sync": ("configmanagement.gke.io/", "configsync.gke.io/", "configsync"),
    "the add-on manager": ("addonmanager.kubernetes.io/mode",),
    "Carvel": ("kapp.k14s.io/", "kapp-server-side"),
    "Sveltos": ("projectsveltos.io/",),
}


@dataclass(frozen=True)
class LiveObject:
    """An object of any kind."""

    kind: Kind
    raw: Document

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.metadata.get("name", ""))

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.metadata.get("namespace", ""))

    @property
    def path(self) -> str:
        """Its address. Raises SourceError when its names are none."""
        return self.kind.path(self.namespace, self.name)

    @property
    def words(self) -> str:
        """What it is: `deployment shop/web`."""
        return f"{self.kind.title.lower()} {self.namespace}/{self.name}"

    @property
    def metadata(self) -> Document:
        """What it is called, by whom it was written, what it is labelled with."""
        return mapped(self.raw, "metadata")

    @property
    def uid(self) -> str:
        """Its identity; another object under the same name has another."""
        return str(self.metadata.get("uid", ""))

    @property
    def annotations(self) -> Mapping[str, str] | None:
        """Its annotations; None when it has no map of them."""
        found = self.metadata.get("annotations")
        return found if isinstance(found, dict) else None

    @property
    def mark(self) -> str:
        """The operation of ours that changed it last."""
        return str((self.annotations or {}).get(MARK, ""))

    @property
    def helm(self) -> tuple[str, str] | None:
        """The Helm release that it belongs to, and the namespace of that."""
        notes, labels = self.annotations or {}, mapped(self.metadata, "labels")
        release = notes.get(_HELM) or ""
        if not release and labels.get(_MANAGED_BY) == "Helm":
            release = labels.get("app.kubernetes.io/instance") or self.name
        where = notes.get("meta.helm.sh/release-namespace") or self.namespace
        return (str(release), str(where)) if release else None

    def owned(self) -> str:
        """Say who would put back what we change, and what to do instead; "" when nobody would."""
        for one in self.metadata.get("ownerReferences") or ():
            if one.get("controller"):
                owner = f"{one.get('kind')} {one.get('name')}"[:_LONGEST]
                return f"{self.words} is managed by {owner}, which would put it back: change that"
        labels = mapped(self.metadata, "labels")
        said = str(labels.get(_MANAGED_BY) or "")
        if any(word in said.casefold() for word in ("operator", "controller")):
            return f"{self.words} is managed by {said[:_LONGEST]}, which may put it back: ask that"
        names = [*labels, *(self.annotations or {})]
        writers = [str(one.get("manager")) for one in self.metadata.get("managedFields") or ()]
        for tool, starts in _RECONCILERS.items():
            if any(name.startswith(starts) for name in (*names, *writers)):
                return (
                    f"{tool} manages {self.words} and would put it back: make the change where "
                    "that is written"
                )
        return ""


@dataclass(frozen=True)
class LiveWorkload(LiveObject):
    """A Deployment, StatefulSet or DaemonSet."""

    @property
    def spec(self) -> Document:
        """What it is to be."""
        return mapped(self.raw, "spec")

    @property
    def template(self) -> Document:
        """What its pods are made from."""
        return mapped(self.spec, "template")

    @property
    def generation(self) -> int:
        """How often what it is to be was changed."""
        return int(self.metadata.get("generation") or 0)

    @property
    def identity(self) -> Document:
        """Which one it is, and which of its wishes: what a plan is made for."""
        return {
            "kind": self.kind.title,
            "namespace": self.namespace,
            "name": self.name,
            "uid": self.uid,
            "generation": self.generation,
        }

    @property
    def replicas(self) -> int | None:
        """How many pods it is to have; None where the nodes say so (a DaemonSet)."""
        found = self.spec.get("replicas")
        return found if isinstance(found, int) else None

    @property
    def pods(self) -> int:
        """How many pods it has now, as its controller counts them."""
        status = mapped(self.raw, "status")
        return int(status.get("replicas") or status.get("currentNumberScheduled") or 0)

    @property
    def unsettled(self) -> str:
        """Why nothing can be said of it at this moment, in words; "" when it can."""
        if self.metadata.get("deletionTimestamp"):
            return f"{self.words} is being deleted"
        seen = mapped(self.raw, "status").get("observedGeneration")
        if not self.uid or seen is None or int(seen) < self.generation:
            return f"the controller of {self.words} has not taken up its last change yet"
        return ""


def mapped(document: Mapping[str, Json], key: str) -> Document:
    """Return the map below a key; {} when there is none."""
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def scaled_by(live: LiveWorkload, autoscalers: Iterable[Document]) -> str:
    """Say which autoscaler sets the number of replicas and how its bound is raised, or ""."""
    for one in autoscalers:
        spec = mapped(one, "spec")
        to = mapped(spec, "scaleTargetRef")
        if (to.get("kind"), to.get("name")) == (live.kind.title, live.name):
            name, most = str(mapped(one, "metadata").get("name")), spec.get("maxReplicas")
            raised = f'{{"spec":{{"maxReplicas":{2 * int(most or 1)}}}}}'
            command = shell("kubectl", "-n", live.namespace, "patch", "hpa", name, "-p", raised)
            return (
                f"autoscaler {name} sets the replicas of {live.words} (at most {most}) and would "
                f"put them back; to allow it more: {command}"
            )
    return ""


def target_kind(kind: Kind) -> TargetKind:
    """Return the kind of a target."""
    return TargetKind(kind.title.lower())
