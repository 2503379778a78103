"""Pods of the fake API server, and how it evicts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiops_agent.adapters.kubernetes.live import MARK
from tests.adapters.kubernetes.fake_patch import Answer, Raw, status

if TYPE_CHECKING:
    from tests.adapters.kubernetes.fake_api import FakeApi


def a_pod(api: FakeApi, name: str, of: Raw, *, ready: bool = True, **metadata: Any) -> Raw:
    """Make a pod of a workload, as its controller makes it."""
    app = of["metadata"]["name"]
    owner = next(
        (
            one
            for (kind, *_), one in reversed(api.objects.items())
            if kind == "replicasets" and one["metadata"]["labels"]["app"] == app
        ),
        of,
    )
    owners = [{"controller": True, "uid": owner["metadata"]["uid"]}]
    metadata = {"labels": {"app": app}, "ownerReferences": owners, **metadata}
    found = api.add("pods", name, {}, **metadata)
    word = "True" if ready else "False"
    found["status"] = {
        "conditions": [{"type": "Ready", "status": word}],
        "containerStatuses": [{"name": "app", "ready": ready, "restartCount": 0}],
    }
    return found


def evicted(api: FakeApi, found: Raw, body: Raw, *, dry: bool) -> Answer:
    """Evict a pod as 1.34 does: by its uid, if the budgets allow it; at once it is gone."""
    meta = found["metadata"]
    if ("pods", meta["namespace"], meta["name"]) not in api.objects:
        return status(404, "not found")
    if body["deleteOptions"]["preconditions"]["uid"] != meta["uid"]:
        return status(409, "Precondition failed: UID in precondition")
    for name, allowed in api.budgets.items():
        if not allowed:
            words = f"The disruption budget {name} needs 2 healthy pods and has 2 currently"
            cause = {"reason": "DisruptionBudget", "message": words}
            refused = "Cannot evict pod as it would violate the pod's disruption budget."
            return status(429, refused, details={"causes": [cause]})
    if not dry:
        api.budgets = {name: allowed - 1 for name, allowed in api.budgets.items()}
        del api.objects["pods", meta["namespace"], meta["name"]]
        api.taken.append(body["metadata"]["annotations"][MARK])
    return 201, {"kind": "Status", "status": "Success"}
