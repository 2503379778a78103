"""Which workload a service is: one, by its name, or none is touched; and whether it is free."""

from collections.abc import Sequence

from aiops_agent.adapters.kubernetes.kinds import REPLICA_SETS, checked
from aiops_agent.adapters.kubernetes.live import CHANGEABLE, LiveObject, LiveWorkload, mapped
from aiops_agent.adapters.kubernetes.payload import WorkloadPatch
from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.domain.errors import NotOurs, PlatformError, TargetMissing
from aiops_agent.domain.remediation import Draft, Target
from aiops_agent.domain.value import Document

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


async def replica_sets(live: LiveWorkload, writes: Writes) -> tuple[Document, ...]:
    """Return those that a workload selects, its own among them. Raises SourceError."""
    return await writes.reader.listed(REPLICA_SETS, live.namespace, selected(live))


def selected(live: LiveWorkload) -> dict[str, str]:
    """Return the query for what a workload selects by its labels."""
    alike = mapped(mapped(live.spec, "selector"), "matchLabels")
    return {"labelSelector": ",".join(f"{key}={value}" for key, value in alike.items())}


def settled(live: LiveWorkload) -> LiveWorkload:
    """Return a workload of which its controller has seen all; raises PlatformError for another.

    So it does where something else puts back what we change, or may do so.
    """
    if live.unsettled:
        raise PlatformError(f"{live.unsettled}: look again in a moment.")
    free(live)
    return live


def free(live: LiveObject) -> None:
    """Raise PlatformError where something else puts back what we change, or may do so."""
    if owner := live.owned():
        raise PlatformError(f"{owner} (as a patch: aiops plan export).")


async def still(prepared: Draft, writes: Writes) -> LiveWorkload | None:
    """Return the very workload of a plan as it is now, None when it ended. Raises SourceError."""
    was = prepared.precondition
    live = await writes.live(CHANGEABLE[was["kind"]], was["namespace"], was["name"])
    gone = live is None or live.uid != was["uid"] or live.metadata.get("deletionTimestamp")
    return None if gone else live


def as_left(live: LiveWorkload, generation: int, applied: Sequence[WorkloadPatch]) -> bool:
    """Whether nobody but patches of ours changed a workload since it was of a generation."""
    ours = [one for one in applied if one.uid == live.uid]
    untouched = live.generation == generation + len(ours)
    return untouched and (not ours or live.mark == ours[-1].operation)


async def left(patch: WorkloadPatch, made: str, writes: Writes) -> LiveWorkload:
    """Return a workload if it is as a patch of ours left it. Raises NotOurs, SourceError."""
    live = await writes.of(patch)
    asked = "a person must decide."
    if live is None or live.uid != patch.uid:
        raise NotOurs(f"{patch.target} was removed or replaced since: {asked}")
    if live.mark != patch.operation or not made or f"{live.uid}/{live.generation}" != made:
        raise NotOurs(f"{patch.target} was changed by somebody else since: {asked}")
    if owner := live.owned():
        raise NotOurs(f"{owner}; {asked}")
    return live
