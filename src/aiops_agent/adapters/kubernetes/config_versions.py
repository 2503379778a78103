"""What ConfigMaps held before: a cluster keeps no earlier value, so it is kept, in memory only.

Of those that the settings name, and while the cluster is followed: what changed before is not
known. A value that may be a secret, or is no short line, is kept as a checksum.
"""

import threading
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from itertools import pairwise

from aiops_agent.adapters.kubernetes import fields, kinds
from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.config_maps import LiveConfigMap, hidden
from aiops_agent.adapters.kubernetes.state import ClusterState, Thing
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.value import Json

MOST_VERSIONS = 4  # of one ConfigMap
MOST_BYTES = 2**16  # of one ConfigMap: what holds more is not kept
_MOST_MAPS = 50  # a name may be one in many namespaces
_Place = tuple[str, str]  # namespace and name


@dataclass(frozen=True)
class ConfigVersion:
    """What a ConfigMap held since a moment: values by key, or a checksum of what is not kept."""

    uid: str
    at: datetime
    values: dict[str, str]
    sums: dict[str, bytes]

    def changed(self, before: "ConfigVersion") -> tuple[dict[str, tuple[str, str]], list[str]]:
        """Return old and new value of each key that differs, and keys of which one is not kept."""
        now, was = {**self.values, **self.sums}, {**before.values, **before.sums}
        keys = [key for key in sorted({*now, *was}) if now.get(key) != was.get(key)]
        told = [key for key in keys if key in self.values and key in before.values]
        both = {key: (before.values[key], self.values[key]) for key in told}
        return both, [key for key in keys if key not in both]


@dataclass
class ConfigVersions:
    """The last versions of the ConfigMaps called `names`; whoever looks at the cluster fills it."""

    names: Collection[str] = ()
    _kept: dict[_Place, deque[ConfigVersion]] = field(default_factory=dict)
    _read: dict[_Place, str] = field(default_factory=dict)  # the version that was last read
    _lock: threading.Lock = field(default_factory=threading.Lock)  # looks come from several threads

    async def note(self, state: ClusterState, client: KubeClient) -> None:
        """Read those that changed since they were last read; what may not be read is not known."""
        if not self.names or kinds.CONFIG_MAPS not in state.objects:
            return
        own = [one for one in state.all(kinds.CONFIG_MAPS) if one.name in self.names][:_MOST_MAPS]
        self._forget({(one.namespace, one.name) for one in own})
        for one in own:
            place = (one.namespace, one.name)
            version = fields.text(one.document, "metadata", "resourceVersion")
            if self._read.get(place) == version:
                continue
            found: Json = None
            with suppress(SourceError):  # the look goes on without it, and the next one tries anew
                found = await client.find(kinds.CONFIG_MAPS.path(*place))
            if isinstance(found, dict):
                self._keep(place, LiveConfigMap(found), changed_at(found) or state.at)

    def changes(self, one: Thing) -> Iterator[tuple[ConfigVersion, ConfigVersion]]:
        """Yield each version of a ConfigMap that is known with the one before it."""
        with self._lock:
            kept = list(self._kept.get((one.namespace, one.name), ()))
        for before, after in pairwise(kept):
            if before.uid == after.uid:
                yield before, after

    def _keep(self, place: _Place, found: LiveConfigMap, at: datetime) -> None:
        data, binary = found.data, fields.pairs(found.raw, "binaryData")
        unkept = {**binary, **{key: one for key, one in data.items() if hidden(key, one)}}
        sums = {key: blake2b(one.encode(), digest_size=16).digest() for key, one in unkept.items()}
        values = {key: one for key, one in data.items() if key not in unkept}
        made = ConfigVersion(found.uid, at, values, sums)
        with self._lock:
            if self._read.get(place) == found.version:
                return
            self._read[place] = found.version
            if found.size() > MOST_BYTES:
                self._kept.pop(place, None)
            else:
                self._kept.setdefault(place, deque(maxlen=MOST_VERSIONS)).append(made)

    def _forget(self, there: Collection[_Place]) -> None:
        with self._lock:
            for known in (self._kept, self._read):
                for gone in known.keys() - there:
                    del known[gone]


def changed_at(document: object) -> datetime | None:
    """Return when an object was last changed, as its field managers noted it."""
    noted = fields.many(document, "metadata", "managedFields")
    return max((at for one in noted if (at := fields.moment(one, "time"))), default=None)
