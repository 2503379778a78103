"""How one more container of a service is made: a copy of one that runs."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from aiops_agent.adapters.docker.client import path_of
from aiops_agent.adapters.docker.containers import INCIDENT, NUMBER, OPERATION, Inspected
from aiops_agent.adapters.docker.payload import ContainerChange, Part, Payload
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.naming import MARK
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.value import Document, Json

_SHARED_STACKS = ("host", "none", "container:")
_ANONYMOUS = re.compile(r"[0-9a-f]{64}")  # a volume that nobody named is the container's own
_NEVER_TOLD = (("Env",), ("Cmd",), ("Entrypoint",), ("Healthcheck",))
# What a container has from its image unless it was given something else.
_OF_IMAGE = frozenset(
    {"Cmd", "Entrypoint", "WorkingDir", "User", "Healthcheck", "ExposedPorts", "Volumes", "Shell"}
    | {"StopSignal", "OnBuild"}
)
_FEWEST = 4  # characters of a text that is taken out of the engine's words
_REDACTOR = Redactor()
_PLAIN = ("default", "bridge")  # networks on which the engine takes no aliases


@dataclass(frozen=True)
class HeldBack:
    """What a copy needs and no plan may hold, by where it stands in the body. Never stored."""

    values: Mapping[Part, Json] = field(repr=False)

    @property
    def sha256(self) -> str:
        """The fingerprint by which they are known again."""
        found = [[part, self.values[part]] for part in sorted(self.values)]
        return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()

    def without(self, body: Document) -> Document:
        """Return the body less these."""
        return {
            key: {inner: one for inner, one in value.items() if (key, inner) not in self.values}
            if isinstance(value, dict)
            else value
            for key, value in body.items()
            if (key,) not in self.values
        }

    def within(self, body: Document) -> Document:
        """Return the body with these in their places again."""
        whole = dict(body)
        for part, value in self.values.items():
            if len(part) == 1:
                whole[part[0]] = value
            else:
                whole[part[0]] = {**(whole.get(part[0]) or {}), part[1]: value}
        return whole

    def scrubbed(self, words: str) -> str:
        """Return what the engine said of them without their text."""
        for text in sorted(_texts(list(self.values.values())), key=len, reverse=True):
            words = words.replace(text, MARK)
        return words


@dataclass(frozen=True)
class Clone:
    """A container to be made: its name, the body that creates it, and further networks."""

    name: str
    body: Document  # less what is held back
    held: HeldBack
    networks: Mapping[str, Document]  # network -> endpoint, beside the one in the body


def cloneable(source: Inspected, wished: int = 2) -> None:
    """Raise PlatformError, saying why, when not `wished` containers like it can run together."""
    host = source.raw.get("HostConfig") or {}
    bindings = [one for bound in (host.get("PortBindings") or {}).values() for one in bound or ()]
    asked = {str(one.get("HostPort") or "0") for one in bindings} - {"0"}
    if fixed := sorted(one for one in asked if _room(one) == 1):
        raise PlatformError(
            f"{source.name} publishes port {', '.join(fixed)} of the host, which a second "
            "container cannot have; put a proxy before the service to scale it."
        )
    if narrow := sorted(one for one in asked if _room(one) < wished):
        raise PlatformError(
            f"{source.name} publishes one of the host's ports {narrow[0]}, which is room for "
            f"{_room(narrow[0])} containers and not for {wished}; widen the range to scale it."
        )
    mode = str(host.get("NetworkMode", ""))
    if mode.startswith(_SHARED_STACKS):
        told = f"{source.name} has no network of its own ({mode}), so a copy has none."
        raise PlatformError(told)


def _room(ports: str) -> int:
    """Return how many containers can have one of these ports: "8080" is one, "8080-8089" ten."""
    first, _, last = ports.partition("-")
    if not (first.isdecimal() and last.isdecimal()):
        return 1
    return max(int(last) - int(first) + 1, 1)


def clone(source: Inspected, *, image: str, operation: str, number: int, stem: str) -> Clone:
    """Return a copy of `source` without what is held back, see `held_back`.

    The name depends on the operation and number only, so creating it twice makes one.
    """
    held = held_back(source)
    host = source.raw["HostConfig"]
    config = {key: value for key, value in source.raw["Config"].items() if value is not None}
    config.pop("MacAddress", None)
    if config.get("Hostname") == source.id[:12]:
        del config["Hostname"]
    labels = dict(config.get("Labels") or {})
    if NUMBER in labels:
        labels[NUMBER] = str(number)
    short = hashlib.sha256(operation.encode()).hexdigest()[:8]
    name = f"{stem}-aiops-{short}-{number}"
    primary, others = _networks(source)
    body: Document = {
        **config,
        "Image": image,
        "Labels": {**labels, OPERATION: operation, INCIDENT: operation.partition(".")[0]},
        "HostConfig": {key: value for key, value in host.items() if value is not None},
        "NetworkingConfig": {"EndpointsConfig": primary},
    }
    return Clone(name=name, body=held.without(body), held=held, networks=others)


def without_defaults(source: Inspected, image: Document) -> Inspected:
    """Return a container as if it had been given only what its image does not bring by itself.

    On another image it then has that one's defaults: its command, variables, labels.
    """
    brings = image.get("Config") or {}
    config = {
        key: value
        for key, value in (source.raw.get("Config") or {}).items()
        if key not in _OF_IMAGE or value != brings.get(key)
    }
    env = [one for one in config.get("Env") or () if one not in (brings.get("Env") or ())]
    labels = (config.get("Labels") or {}).items()
    own = {name: value for name, value in labels if (brings.get("Labels") or {}).get(name) != value}
    return replace(source, raw={**source.raw, "Config": {**config, "Env": env, "Labels": own}})


def held_back(source: Inspected, parts: Sequence[Part] | None = None) -> HeldBack:
    """Return what a plan must not hold of a container: its variables, command lines, secrets.

    `parts` are the places where they stand, as an earlier look found them; None looks for them.
    """
    config, host = source.raw.get("Config") or {}, source.raw.get("HostConfig") or {}
    labels = config.get("Labels") or {}
    places: dict[Part, Json] = {("Labels", name): value for name, value in labels.items()}
    places |= {(key,): value for key, value in config.items() if key != "Labels"}
    places |= {("HostConfig", key): value for key, value in host.items()}
    if parts is not None:
        return HeldBack({part: places.get(part) for part in parts})
    told = {part: value for part, value in places.items() if value and _secret(part, value)}
    return HeldBack(told)


def _secret(part: Part, value: Json) -> bool:
    return part in _NEVER_TOLD or bool(_REDACTOR.document({part[-1]: value})[1])


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


def _texts(value: Json) -> set[str]:
    if isinstance(value, str):
        return {text for text in (value, value.partition("=")[2]) if len(text) >= _FEWEST}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {text for one in inner for text in _texts(one)}


def connections(made: Clone, version: str, operation: str) -> list[Payload]:
    """Return what connects a copy to its other networks; `version` is the path's prefix."""
    return [
        Payload(
            method="POST",
            path=f"{version}{path_of('networks', network)}/connect",
            body={"Container": made.name, "EndpointConfig": endpoint},
            effect=ContainerChange.CONNECTED,
            container=made.name,
            network=network,
            operation=operation,
        )
        for network, endpoint in made.networks.items()
    ]
