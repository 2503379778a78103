"""A ConfigMap: who reads a key of it, whether that can be set, and the patch that sets it."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from aiops_agent.adapters.kubernetes import fields
from aiops_agent.adapters.kubernetes.json_patch import annotated, encoded, pointer, same
from aiops_agent.adapters.kubernetes.kinds import CONFIG_MAPS, checked
from aiops_agent.adapters.kubernetes.live import MARK, LiveObject, mapped
from aiops_agent.adapters.kubernetes.payload import ObjectPatch, replaced, sha256
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.naming import MARK as REDACTED
from aiops_agent.domain.naming import Naming, naming
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.text import safe
from aiops_agent.domain.value import Document, Json

LONGEST = 500  # characters of a value that a person reads in one line before saying yes
_LARGEST = 2**20  # bytes of all keys and values of a ConfigMap, by the API server
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_REDACTOR = Redactor()
# Restarts the pods itself as soon as a ConfigMap changes: names of its annotations start so.
_RESTARTERS = {
    "Reloader": ("reloader.stakater.com/", "configmap.reloader.stakater.com/"),
    "Wave": ("wave.pusher.com/",),
}


class LiveConfigMap(LiveObject):
    """A ConfigMap as the API server has it at this moment."""

    def __init__(self, raw: Document) -> None:
        super().__init__(CONFIG_MAPS, raw)

    @property
    def words(self) -> str:
        """What it is: `ConfigMap shop/web`."""
        return f"ConfigMap {self.namespace}/{self.name}"

    @property
    def data(self) -> dict[str, str]:
        """Its values that are text."""
        return fields.pairs(self.raw, "data")

    @property
    def version(self) -> str:
        """It changes with whatever of it is changed."""
        return fields.text(self.metadata, "resourceVersion")

    def digest(self, changed: Mapping[str, str] = MappingProxyType({})) -> str:
        """Return the SHA-256 of all its values, some of them `changed`."""
        whole = [{**self.data, **changed}, mapped(self.raw, "binaryData")]
        text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def size(self) -> int:
        """Return the bytes of all its keys and values, as the API server counts them."""
        binary = fields.pairs(self.raw, "binaryData")
        texts = sum(len(name.encode()) + len(one.encode()) for name, one in self.data.items())
        return texts + sum(len(name) + len(one) * 3 // 4 for name, one in binary.items())


class ConfigPatch(ObjectPatch):
    """A patch of one ConfigMap. It has no generation: its version before stands for it."""

    kind: str = CONFIG_MAPS.title
    version: str

    @property
    def target(self) -> str:
        """The ConfigMap in words."""
        return f"ConfigMap {self.namespace}/{self.name}"

    def since(self, found: Document) -> str:
        """Say which version it is by now, "" when it is the same."""
        now = LiveConfigMap(found).version
        return "" if now == self.version else f"version {self.version}, now {now[:40]}"


def named(setting: str) -> tuple[str, str]:
    """Return ConfigMap and key of a setting. Raises PlatformError, SourceError for what is none."""
    name, _, key = setting.partition("/")
    if not _KEY.fullmatch(key):
        raise PlatformError(
            f"{setting[:80]!r} is no key of a ConfigMap (CONFIGMAP/KEY): what stands in a pod "
            "template is changed by a release."
        )
    return checked(name), key


def hidden(key: str, value: str) -> str:
    """Say why the value of a key is neither kept, shown nor set; "" when it may be."""
    secret = naming(key) in (Naming.SECRET, Naming.WHOLE) or REDACTED in value
    if secret or _REDACTOR.value(key, value) != value:
        return f"{key} looks like a secret, which belongs into a Secret"
    if len(value) > LONGEST or safe(value) != value:
        return f"{key} is more than one readable line of {LONGEST} characters"
    return ""


def settable(found: LiveConfigMap, key: str, value: str) -> str:
    """Return the present value of a key. Raises PlatformError when it cannot get another."""
    hand = "change it by hand, where it is written"
    if found.metadata.get("deletionTimestamp"):
        raise PlatformError(f"{found.words} is being deleted: nothing is done.")
    if found.raw.get("immutable"):
        raise PlatformError(
            f"{found.words} is immutable: a release names another one instead; roll that back."
        )
    if key in mapped(found.raw, "binaryData"):
        raise PlatformError(f"{key} of {found.words} is binary: {hand}.")
    if key not in found.data:
        raise PlatformError(f"{found.words} has no key {key}: none is added; {hand}.")
    old = found.data[key]
    if why := hidden(key, old) or hidden(key, value):
        raise PlatformError(f"{found.words}: {why}: {hand}.")
    if found.size() + len(value.encode()) - len(old.encode()) > _LARGEST:
        raise PlatformError(f"{found.words} would hold more than 1 MiB, which no cluster takes.")
    return old


def setting_patch(
    found: LiveConfigMap, operation: str, key: str, old: str, new: str
) -> ConfigPatch:
    """Freeze what gives a key of a ConfigMap as it is now another value, with our mark."""
    body = encoded(
        [
            same("/metadata/uid", found.uid),
            same("/metadata/resourceVersion", found.version),
            *replaced("/data" + pointer(key), old, new),
            *annotated(found.annotations, "/metadata/annotations", MARK, operation),
        ]
    )
    return ConfigPatch(
        namespace=found.namespace,
        name=found.name,
        uid=found.uid,
        version=found.version,
        operation=operation,
        body=body,
        sha256=sha256(body),
    )


def restarter(one: LiveObject) -> str:
    """Return who restarts the pods of a workload when a ConfigMap changes; "" for nobody known."""
    names = tuple(one.annotations or ())
    found = (who for who, at in _RESTARTERS.items() if any(name.startswith(at) for name in names))
    return next(found, "")


def maps_of(template: Json) -> set[str]:
    """Return the names of the ConfigMaps that a pod template names."""
    return {name for container in _containers(template) for name, _ in _env(container)} | {
        fields.text(one, "name")
        for volume in fields.many(template, "spec", "volumes")
        for one in _files(volume)
    } - {""}


def reads(template: Json, name: str, key: str) -> bool:
    """Whether a container of a pod template gets a key of a ConfigMap, as variable or file."""
    volumes = {fields.text(one, "name"): one for one in fields.many(template, "spec", "volumes")}
    for container in _containers(template):
        if (name, key) in _env(container):
            return True
        own = {fields.text(one, "name") for one in fields.many(container, "env")}
        for source in fields.many(container, "envFrom"):
            variable = fields.text(source, "prefix") + key
            if fields.text(source, "configMapRef", "name") == name and variable not in own:
                return True
        for mount in fields.many(container, "volumeMounts"):
            volume = volumes.get(fields.text(mount, "name"), {})
            if any(_mounted(one, name, key, mount) for one in _files(volume)):
                return True
    return False


def _containers(template: Json) -> list[Document]:
    spec = fields.field(template, "spec")
    return [*fields.many(spec, "initContainers"), *fields.many(spec, "containers")]


def _env(container: Document) -> set[tuple[str, str]]:
    """Return ConfigMap and key of each variable, and of all variables at once with no key."""
    last = {fields.text(one, "name"): one for one in fields.many(container, "env")}
    references = [fields.field(one, "valueFrom", "configMapKeyRef") for one in last.values()]
    whole = [fields.field(one, "configMapRef") for one in fields.many(container, "envFrom")]
    return {(fields.text(one, "name"), fields.text(one, "key")) for one in (*references, *whole)}


def _files(volume: Document) -> Iterator[Document]:
    """Yield each ConfigMap of a volume, with those of its keys that are taken."""
    for one in (volume, *fields.many(volume, "projected", "sources")):
        found = fields.field(one, "configMap")
        if isinstance(found, dict):
            yield found


def _mounted(source: Document, name: str, key: str, mount: Document) -> bool:
    if fields.text(source, "name") != name:
        return False
    items = fields.many(source, "items")
    paths = [fields.text(one, "path") for one in items if fields.text(one, "key") == key]
    part = fields.text(mount, "subPath").strip("/")
    return any(
        not part or path == part or path.startswith(f"{part}/")
        for path in (paths if items else [key])
    )
