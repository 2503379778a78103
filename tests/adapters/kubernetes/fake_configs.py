"""ConfigMaps of the fake API server, who reads them, and who changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiops_agent.domain.remediation import Action, ActionKind
from tests.adapters.kubernetes.fake_patch import Raw
from tests.targets import at

if TYPE_CHECKING:
    from tests.adapters.kubernetes.fake_api import FakeApi

CONFIG, KEY, WAS, NOW_IS = "settings", "POOL_SIZE", "2 > 1", "20"
PLACE = ("configmaps", "shop", CONFIG)


def set_config(value: str = NOW_IS, name: str = f"{CONFIG}/{KEY}") -> Action:
    wished: dict[str, str | int] = {"name": name, "value": value}
    return Action(kind=ActionKind("set_config"), target=at("payments-api"), wished=wished)


def a_config(api: FakeApi, name: str = "payments-api", **data: str) -> Raw:
    """Make the ConfigMap, and let a Deployment read all of it."""
    found = api.add("configmaps", CONFIG, {})
    found["data"] = {KEY: WAS, "LEVEL": "info", **data}
    api.change(name, reading)
    return found


def reading(found: Raw) -> None:
    """Let a workload read the whole ConfigMap."""
    [container] = found["spec"]["template"]["spec"]["containers"]
    container["envFrom"] = [{"configMapRef": {"name": CONFIG}}]


def foreign_value(api: FakeApi, key: str = "LEVEL", value: str = "debug") -> None:
    """Somebody else gives a key another value."""
    found = api.objects[PLACE]
    found["data"][key] = value
    found["metadata"]["resourceVersion"] += "1"
