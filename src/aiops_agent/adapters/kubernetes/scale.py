"""scale_pods in Kubernetes: the number of replicas of a workload, as it is to be."""

from collections.abc import Iterable

from aiops_agent.adapters.kubernetes.live import LiveWorkload, mapped, scaled_by
from aiops_agent.adapters.kubernetes.payload import replaced
from aiops_agent.adapters.kubernetes.privilege import beyond_walls
from aiops_agent.adapters.kubernetes.way import WorkloadChange, drift, kubectl, pods
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.value import Document


def scale(live: LiveWorkload, wished: int, autoscalers: Iterable[Document]) -> WorkloadChange:
    """Return how it gets so many pods. Raises PlatformError where others set their number."""
    present = scalable(live, autoscalers)
    more, count = wished > present, abs(wished - present)
    if more:
        words = f"{pods(count, 'new ')} beside {present} of {live.words}"
    else:
        words = f"{pods(count)} of {present} of {live.words} ended"
    command = f"--replicas={wished}"
    return WorkloadChange(
        steps=tuple(replaced("/spec/replicas", present, wished)) if count else (),
        touched=count,
        interrupts=wished < present,
        words=words + drift(live) if count else "nothing",
        run=kubectl(live, "scale", command) if count else "",
        undo=kubectl(live, "scale", f"--replicas={present}"),
        rights=beyond_walls(live.template) if more else (),
    )


def scalable(live: LiveWorkload, autoscalers: Iterable[Document]) -> int:
    """Return how many replicas it is to have now. Raises PlatformError where others say that."""
    if live.replicas is None:
        raise PlatformError(f"{live.words} has a pod on each of its nodes: it is not scaled.")
    if owner := scaled_by(live, autoscalers):
        raise PlatformError(f"{owner}.")
    retention = mapped(live.spec, "persistentVolumeClaimRetentionPolicy")
    if retention.get("whenScaled") == "Delete":
        raise PlatformError(
            f"{live.words} deletes the data of a pod that it ends by scaling, so there would be no "
            "way back; scale it by hand."
        )
    return live.replicas
