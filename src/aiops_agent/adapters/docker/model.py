"""Which container of a service a copy is made of: one of the majority that are alike.

A label is no proof that a container belongs to a service, so what a label brings in must at least
look like the others.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from aiops_agent.adapters.docker.containers import Inspected
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.value import Json

# Each container has these of its own, or they say nothing of what it is.
_OWN = frozenset({"Image", "Hostname", "MacAddress", "Labels"})
_OWN_ON_HOST = frozenset({"ContainerIDFile", "ConsoleSize"})
_BOOKKEEPING = ("com.docker.compose.", "aiops-agent/")
_MOST_NAMED = 6  # differences


def model_of(instances: Sequence[Inspected]) -> tuple[Inspected, str]:
    """Return the first of those that are alike and the most, and words about the others or "".

    Raises PlatformError when not more than half are alike, naming what differs, never its value.
    """
    shapes = {one.id: _shape(one) for one in instances}
    alike = Counter(json.dumps(shape, sort_keys=True) for shape in shapes.values())
    found, count = alike.most_common(1)[0]
    of_it = [one for one in instances if json.dumps(shapes[one.id], sort_keys=True) == found]
    others = [one for one in instances if one not in of_it]
    model = of_it[0]
    differing = sorted(
        {name for one in others for name in _apart(shapes[model.id], shapes[one.id])}
    )
    named = ", ".join(differing[:_MOST_NAMED]) + (" and more" * (len(differing) > _MOST_NAMED))
    if count * 2 <= len(instances):
        names = ", ".join(one.name for one in instances)
        raise PlatformError(
            f"{names} do not agree on what a copy would be: they differ in {named}. "
            "Make most of them alike, or scale by hand."
        )
    if not others:
        return model, ""
    odd = ", ".join(one.name for one in others)
    return (
        model,
        f"copied from {model.name}, as {count} of {len(instances)} are; {odd}: other {named}",
    )


def _shape(one: Inspected) -> dict[str, str]:
    """Return everything that makes a container what it is, as JSON by name; absent is empty."""
    config, host = one.raw.get("Config") or {}, one.raw.get("HostConfig") or {}
    parts: dict[str, Json] = {key: value for key, value in config.items() if key not in _OWN}
    if (hostname := config.get("Hostname")) != one.id[:12]:
        parts["Hostname"] = hostname
    labels = config.get("Labels") or {}
    parts["Labels"] = {
        name: value for name, value in labels.items() if not name.startswith(_BOOKKEEPING)
    }
    parts |= {f"HostConfig.{key}": value for key, value in host.items() if key not in _OWN_ON_HOST}
    parts["Env"] = sorted(config.get("Env") or ())
    parts["image"] = one.raw.get("Image")
    parts["networks"] = sorted((one.raw.get("NetworkSettings") or {}).get("Networks") or {})
    return {name: json.dumps(value, sort_keys=True) for name, value in parts.items() if value}


def _apart(one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    return {name for name in {*one, *other} if one.get(name) != other.get(name)}
