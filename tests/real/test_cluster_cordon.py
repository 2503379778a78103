"""What a cordon of ours means to a real scheduler: no new pod lands there until it is undone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiops_agent.domain.remediation import Action, ActionKind, TargetKind
from tests.sending import applied
from tests.targets import at

from .processes import until
from .test_kubernetes_hands import OPERATION, SECONDS, RealCluster, cluster

__all__ = ["cluster"]
pytestmark = pytest.mark.cluster

# The node has no kubelet, so it is never ready: only what tolerates that may be placed there.
SILENT = [
    {"key": f"node.kubernetes.io/{word}", "operator": "Exists"}
    for word in ("not-ready", "unreachable")
]


def place(cluster: RealCluster, name: str, node: str) -> None:
    """Ask for a pod that only this node can have."""
    spec = {
        "nodeSelector": {"kubernetes.io/hostname": node},
        "tolerations": SILENT,
        "containers": [{"name": name, "image": "local.test/busybox:1"}],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    cluster.kubectl("create", "-f", "-", given=pod)


def where(cluster: RealCluster, name: str) -> str:
    """Return the node of a pod, or what the scheduler says of it."""
    pod: dict[str, Any] = cluster.one("pod", name)
    said = [one for one in pod["status"].get("conditions", ()) if one["type"] == "PodScheduled"]
    return str(pod["spec"].get("nodeName") or (said[0].get("message", "") if said else ""))


async def test_no_new_pod_lands_on_a_node_that_is_cordoned(cluster: RealCluster) -> None:
    node = f"{cluster.namespace}-node"
    about = {"name": node, "labels": {"kubernetes.io/hostname": node}}
    cluster.kubectl(
        "create", "-f", "-", given={"apiVersion": "v1", "kind": "Node", "metadata": about}
    )
    room = json.dumps({"status": {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "9"}}})
    cluster.kubectl("patch", "node", node, "--subresource=status", "--type=merge", "-p", room)
    target = at(node).model_copy(update={"kind": TargetKind.NODE})
    cordon = Action(kind=ActionKind("cordon_node"), target=target, wished={"new_pods": "no"})
    try:
        place(cluster, "before", node)
        until(lambda: where(cluster, "before") == node, SECONDS, "a pod on the node")
        draft = await cluster.platform.prepare(cordon, OPERATION)
        sent = await applied(cluster.platform, draft.requests)
        place(cluster, "after", node)
        until(lambda: "unschedulable" in where(cluster, "after"), SECONDS, "the scheduler's no")
        back = await cluster.platform.take_back(draft, sent, "INC-0001.1.undo.1")
        await applied(cluster.platform, back)
        until(lambda: where(cluster, "after") == node, SECONDS, "the pod on the node")
    finally:
        cluster.kubectl("delete", "node", node)
        cluster.kubectl("delete", "pod", "--all", "--force", "--grace-period=0", "--wait=false")
