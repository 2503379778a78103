"""Which workload a service is: one, by its name, or none is touched."""

from collections.abc import Sequence

from aiops_agent.adapters.kubernetes.kinds import checked
from aiops_agent.adapters.kubernetes.live import CHANGEABLE, LiveWorkload
from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.domain.errors import PlatformError, TargetMissing
from aiops_agent.domain.remediation import Target

# What the cluster itself runs on: whoever may change it there can end the cluster.
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")


async def workload_of(target: Target, writes: Writes, namespaces: Sequence[str]) -> LiveWorkload:
    """Return the one workload of a service: `web`, or `shop/web` where several are called so.

    Raises TargetMissing, PlatformError where it is not clear or not ours to change, SourceError.
    """
    namespace, _, name = target.name.rpartition("/")
    namespace = target.namespace or namespace
    if namespaces and namespace and namespace not in namespaces:
        raise PlatformError(
            f"Namespace {namespace[:80]} is none of sources.kubernetes.namespaces: nothing is done."
        )
    query = {"fieldSelector": f"metadata.name={checked(name)}"}
    found = [
        LiveWorkload(kind, one)
        for kind in CHANGEABLE.values()
        for where in ([namespace] if namespace else namespaces or [""])
        for one in await writes.reader.listed(kind, where, query)
    ]
    if not found:
        raise TargetMissing(f"Kubernetes runs no deployment, stateful set or daemon set {name}.")
    if len(found) > 1:
        names = ", ".join(one.words for one in found[:5])
        raise PlatformError(f"{target.name} may be {names}: which one is not clear.")
    if found[0].namespace in _SYSTEM:
        raise PlatformError(f"{found[0].words} belongs to the cluster itself: a person changes it.")
    # A list leaves out who wrote what, which tells who would put it back.
    live = await writes.live(found[0].kind, found[0].namespace, found[0].name)
    if live is None:
        raise TargetMissing(f"{found[0].words} is gone.")
    return live
