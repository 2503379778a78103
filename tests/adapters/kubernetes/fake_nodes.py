"""Nodes of the fake API server, and who cordons them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.remediation import Action, ActionKind, Target, TargetKind
from tests.adapters.kubernetes.fake_patch import Raw

if TYPE_CHECKING:
    from tests.adapters.kubernetes.fake_api import FakeApi


def cordon(name: str = "node-7") -> Action:
    target = Target(environment=EnvironmentRef.parse("shop:a"), kind=TargetKind.NODE, name=name)
    return Action(kind=ActionKind("cordon_node"), target=target, wished={"new_pods": "no"})


def a_node(api: FakeApi, name: str, *, ready: bool = True) -> Raw:
    """Make a node."""
    found = api.add("nodes", name, {}, namespace="", annotations={"node": "yes"})
    word = "True" if ready else "Unknown"
    found["status"] = {"conditions": [{"type": "Ready", "status": word}]}
    return found


def written(found: Raw, manager: str) -> None:
    """Note who set whether it is cordoned, as the API server does."""
    owned: Raw = {"f:spec": {"f:unschedulable": {}}}
    found["metadata"]["managedFields"] = [{"manager": manager, "fieldsV1": owned}]


def foreign_cordon(api: FakeApi, name: str = "node-7") -> None:
    """Cordon a node as a person does."""
    found = api.objects["nodes", "", name]
    found["spec"]["unschedulable"] = True
    written(found, "kubectl-cordon")
