"""How one more container of a service is made: a copy of one that runs."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiops_agent.adapters.docker.containers import INCIDENT, NUMBER, OPERATION, Inspected
from aiops_agent.adapters.docker.payload import Secrets
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.value import Document, Json

_SHARED_STACKS = ("host", "none", "container:")
_ANONYMOUS = re.compile(r"[0-9a-f]{64}")  # a volume that nobody named is the container's own
_PLAIN = ("default", "bridge")  # networks on which the engine takes no aliases


@dataclass(frozen=True)
class Clone:
    """A container to be made: its name, the body that creates it, and further networks."""

    name: str
    body: Document
    networks: Mapping[str, Document]  # network -> endpoint, beside the one in the body


def cloneable(source: Inspected) -> None:
    """Raise PlatformError, saying why, when a second container like it cannot run beside it."""
    host = source.raw.get("HostConfig") or {}
    bindings = [one for bound in (host.get("PortBindings") or {}).values() for one in bound or ()]
    fixed = {str(one["HostPort"]) for one in bindings if one.get("HostPort", "") not in ("", "0")}
    if ports := sorted(fixed):
        raise PlatformError(
            f"{source.name} publishes port {', '.join(ports)} of the host, which a second "
            "container cannot have; put a proxy before the service to scale it."
        )
    mode = str(host.get("NetworkMode", ""))
    if mode.startswith(_SHARED_STACKS):
        told = f"{source.name} has no network of its own ({mode}), so a copy has none."
        raise PlatformError(told)


def clone(source: Inspected, *, image: str, operation: str, number: int, stem: str) -> Clone:
    """Return a copy of `source` without its environment variables; see `environment`.

    The name depends on the operation and number only, so creating it twice makes one.
    """
    host = source.raw["HostConfig"]
    config = {key: value for key, value in source.raw["Config"].items() if value is not None}
    for own in ("Env", "MacAddress"):
        config.pop(own, None)
    if config.get("Hostname") == source.id[:12]:
        del config["Hostname"]
    labels = dict(config.get("Labels") or {})
    if NUMBER in labels:
        labels[NUMBER] = str(number)
    short = hashlib.sha256(operation.encode()).hexdigest()[:8]
    name = f"{stem}-aiops-{short}-{number}"
    primary, others = _networks(source)
    body = {
        **config,
        "Image": image,
        "Labels": {**labels, OPERATION: operation, INCIDENT: operation.partition(".")[0]},
        "HostConfig": {key: value for key, value in host.items() if value is not None},
        "NetworkingConfig": {"EndpointsConfig": primary},
    }
    return Clone(name=name, body=body, networks=others)


def environment(source: Inspected) -> list[str]:
    """Return the environment variables of a container, NAME=value."""
    return list((source.raw.get("Config") or {}).get("Env") or ())


def fingerprint(variables: Sequence[str]) -> str:
    """Return the SHA-256 of environment variables."""
    return hashlib.sha256(json.dumps(list(variables)).encode()).hexdigest()


def secrets_of(source: Inspected) -> Secrets:
    """Return what a request to copy a container keeps of its environment variables."""
    return Secrets(container=source.id, sha256=fingerprint(environment(source)))


def shared_mounts(source: Inspected) -> tuple[str, ...]:
    """Return where a copy writes to the same files as its source."""
    mounts = source.raw.get("Mounts") or ()
    return tuple(
        str(mount.get("Destination"))
        for mount in mounts
        if mount.get("RW") and not _ANONYMOUS.fullmatch(str(mount.get("Name", "")))
    )


def _networks(source: Inspected) -> tuple[Document, Document]:
    """Return the endpoint that creation makes, and those that are connected afterwards."""
    joined = (source.raw.get("NetworkSettings") or {}).get("Networks") or {}
    mode = str(source.raw["HostConfig"].get("NetworkMode", ""))
    own = {name for name, network in joined.items() if mode in {name, network.get("NetworkID")}}
    first = next(iter(sorted(own) or sorted(joined)), "")
    ends = {name: _endpoint(source, name, network) for name, network in joined.items()}
    primary = {first: ends.pop(first)} if first else {}
    return primary, ends


def _endpoint(source: Inspected, name: str, network: Json) -> Document:
    hostname = source.raw["Config"].get("Hostname")
    own = {source.id[:12], source.id, source.name, hostname}
    aliases = [alias for alias in network.get("Aliases") or () if alias not in own]
    endpoint: Document = {"Aliases": aliases} if aliases and name not in _PLAIN else {}
    if network.get("DriverOpts"):
        endpoint["DriverOpts"] = network["DriverOpts"]
    return endpoint
