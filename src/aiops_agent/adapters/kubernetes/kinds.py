"""The kinds of objects that are read, and their addresses. Secrets are none of them."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from aiops_agent.domain.errors import SourceError

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")  # RFC 1123, as Kubernetes takes it


@dataclass(frozen=True)
class Kind:
    """One kind: its plural as in addresses, its group with version, what it is called."""

    plural: str
    title: str
    group: str = "v1"
    namespaced: bool = True
    metadata_only: bool = False  # its content may be large and is nobody's business

    def path(self, namespace: str = "", name: str = "", part: str = "") -> str:
        """Return the address of all objects, those of a namespace, one, or a part of one.

        Raises SourceError for what is no name, so that none can change an address.
        """
        root = f"/{'apis' if '/' in self.group else 'api'}/{self.group}"
        inside = f"/namespaces/{checked(namespace)}" if namespace and self.namespaced else ""
        one = f"/{checked(name)}" if name else ""
        return f"{root}{inside}/{self.plural}{one}" + (f"/{quote(part, safe='/')}" if part else "")


PODS = Kind("pods", "Pod")
SERVICES = Kind("services", "Service")
NODES = Kind("nodes", "Node", namespaced=False)
EVENTS = Kind("events", "Event")
CONFIG_MAPS = Kind("configmaps", "ConfigMap", metadata_only=True)
CLAIMS = Kind("persistentvolumeclaims", "PersistentVolumeClaim")
QUOTAS = Kind("resourcequotas", "ResourceQuota")
DEPLOYMENTS = Kind("deployments", "Deployment", "apps/v1")
REPLICA_SETS = Kind("replicasets", "ReplicaSet", "apps/v1")
STATEFUL_SETS = Kind("statefulsets", "StatefulSet", "apps/v1")
DAEMON_SETS = Kind("daemonsets", "DaemonSet", "apps/v1")
REVISIONS = Kind("controllerrevisions", "ControllerRevision", "apps/v1")
JOBS = Kind("jobs", "Job", "batch/v1")
CRON_JOBS = Kind("cronjobs", "CronJob", "batch/v1")
AUTOSCALERS = Kind("horizontalpodautoscalers", "HorizontalPodAutoscaler", "autoscaling/v2")
BUDGETS = Kind("poddisruptionbudgets", "PodDisruptionBudget", "policy/v1")
EVICTIONS = Kind("pods/eviction", "Eviction")  # as rights name it; nothing of it can be read

WORKLOADS = (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, JOBS, CRON_JOBS)  # what owns pods
KINDS = (
    *(PODS, SERVICES, NODES, EVENTS, CONFIG_MAPS, CLAIMS, QUOTAS, *WORKLOADS, REPLICA_SETS),
    *(REVISIONS, AUTOSCALERS, BUDGETS),
)


def checked(name: str) -> str:
    """Return a name as it is; raises SourceError unless Kubernetes could have given it."""
    if not _NAME.fullmatch(name):
        raise SourceError(f"{name[:80]!r} is no name of an object in Kubernetes.")
    return name
