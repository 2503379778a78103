"""What the executor's account may not do beside workloads, whatever its rights, and what it may."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Any

import orjson

from aiops_agent.adapters.kubernetes.json_patch import pointer
from aiops_agent.adapters.kubernetes.live import MARK
from bench.apply import Raw
from bench.shapes import put

_HERE = "/api/v1/namespaces/$home"
_APPS = "/apis/apps/v1/namespaces/$home"
_NOTES = "/metadata/annotations"
_MARKED = put(_NOTES + pointer(MARK), "INC-0001.1.1.1")
_POD: Raw = {"containers": [{"name": "x", "image": "x"}], "restartPolicy": "Never"}


@dataclass(frozen=True)
class Elsewhere:
    """One request; `$home`, `$pod` and `$uid` stand for what is there."""

    method: str
    path: str
    body: Any = None

    @property
    def content_type(self) -> str:
        """How it is sent."""
        patch = self.method == "PATCH"
        return "application/json-patch+json" if patch else "application/json"

    def of(self, here: Mapping[str, str]) -> tuple[str, bytes]:
        """Return its address and its body."""
        body = orjson.dumps({} if self.body is None else self.body).decode()
        return Template(self.path).substitute(here), Template(body).substitute(here).encode()


def _evicted(uid: str = "$uid", mark: str = "INC-0001.1.1.1", **more: Any) -> Elsewhere:
    about: Raw = {"name": "$pod", "annotations": {MARK: mark} if mark else {}}
    options: Raw = {"preconditions": {"uid": uid} if uid else {}, **more}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": about}
    return Elsewhere("POST", f"{_HERE}/pods/$pod/eviction", {**body, "deleteOptions": options})


def _node(*steps: Raw, mark: bool = True) -> Elsewhere:
    return Elsewhere("PATCH", "/api/v1/nodes/$home", [*steps, *([_MARKED] if mark else [])])


_CORDONED = put("/spec/unschedulable", value=True)
_TAINT = {"key": "x", "effect": "NoExecute"}
ELSEWHERE = (
    Elsewhere("POST", f"{_HERE}/pods", {"metadata": {"name": "x"}, "spec": _POD}),
    Elsewhere("DELETE", f"{_HERE}/pods/$pod"),
    Elsewhere("DELETE", f"{_HERE}/pods"),
    Elsewhere("DELETE", f"{_APPS}/deployments/shop"),
    Elsewhere("DELETE", f"{_APPS}/deployments"),
    Elsewhere("PATCH", f"{_APPS}/deployments/shop/scale", [put("/spec/replicas", 3)]),
    Elsewhere("PATCH", f"{_APPS}/deployments/shop/status", [put("/status", {})]),
    Elsewhere("PATCH", f"{_HERE}/configmaps/kube-root-ca.crt", [put("/data", {})]),
    Elsewhere("DELETE", f"{_HERE}/configmaps/kube-root-ca.crt"),
    Elsewhere("PATCH", f"{_HERE}/serviceaccounts/default", [put("/metadata/labels", {})]),
    Elsewhere("POST", f"{_HERE}/serviceaccounts/aiops/token", {"spec": {}}),
    Elsewhere("POST", f"{_HERE}/secrets", {"metadata": {"name": "x"}}),
    Elsewhere("PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterroles/view", [put("/rules", [])]),
    Elsewhere("DELETE", _HERE),
    Elsewhere("PATCH", _HERE, [put(_NOTES, {"x": "y"})]),
    Elsewhere(
        "POST",
        "/apis/batch/v1/namespaces/$home/jobs",
        {"metadata": {"name": "x"}, "spec": {"template": {"spec": _POD}}},
    ),
    Elsewhere("DELETE", "/api/v1/nodes/$home"),
    _evicted(uid=""),
    _evicted(mark=""),
    _evicted(gracePeriodSeconds=0),
    _node(_CORDONED, mark=False),
    _node(put("/spec/taints", [_TAINT])),
    _node(put("/metadata/labels", {"x": "y"})),
    _node(put(_NOTES + "/x", "y")),
)
_SET = Elsewhere("PATCH", f"{_HERE}/configmaps/shop", [put("/data/POOL", "3"), _MARKED])
BESIDE = (_evicted(), _node(_CORDONED), _SET)
