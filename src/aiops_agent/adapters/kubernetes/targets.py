"""Which workload a service is: one, by its name, or none is touched."""

from collections.abc import Sequence

from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.live import CHANGEABLE, LiveWorkload
from aiops_agent.domain.errors import PlatformError, TargetMissing
from aiops_agent.domain.remediation import Target

# What the cluster itself runs on: whoever may change it there can end the cluster.
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")


async def workload_of(
    target: Target, reader: KubeClient, namespaces: Sequence[str]
) -> LiveWorkload:
    """Return the one workload of a service: `web`, or `shop/web` where several are called so.

    Raises TargetMissing, PlatformError where it is not clear or not ours to change, SourceError.
    """
    namespace, _, name = target.name.rpartition("/")
    namespace = target.namespace or namespace
    if namespaces and namespace and namespace not in namespaces:
        raise PlatformError(
            f"Namespace {namespace[:80]} is none of sources.kubernetes.namespaces: nothing is done."
        )
    found = [
        LiveWorkload(kind, {"apiVersion": kind.group, "kind": kind.title, **one})
        for kind in CHANGEABLE.values()
        for where in ([namespace] if namespace else namespaces or [""])
        for one in await reader.listed(kind, where, {"fieldSelector": f"metadata.name={name}"})
    ]
    if not found:
        raise TargetMissing(f"Kubernetes runs no deployment, stateful set or daemon set {name}.")
    if len(found) > 1:
        names = ", ".join(one.words for one in found[:5])
        raise PlatformError(f"{target.name} may be {names}: which one is not clear.")
    if found[0].namespace in _SYSTEM:
        raise PlatformError(f"{found[0].words} belongs to the cluster itself: a person changes it.")
    return found[0]
