"""What of an object is kept: thousands of pods differ in little, and much of them nobody reads.

A list and a watch keep the same, so that a look is the same however it came.
"""

from contextlib import suppress
from dataclasses import dataclass, field

import orjson

from aiops_agent.adapters.kubernetes import fields, kinds
from aiops_agent.adapters.kubernetes.kinds import Kind
from aiops_agent.domain.value import Document, Json

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # the whole object once more
_MOST_SHARED = 4096  # parts that are looked for again; those in use stay, whoever finds them
# Of a pod: what its template says anyway, or a person sees with kubectl.
_POD_SPEC = ("tolerations", "affinity", "topologySpreadConstraints", "securityContext")
_CONTAINER = (
    *("volumeMounts", "securityContext", "lifecycle", "terminationMessagePath"),
    *("terminationMessagePolicy", "imagePullPolicy"),
)
_NODE_STATUS = ("images", "volumesInUse", "volumesAttached", "daemonEndpoints", "nodeInfo")
_EVENT = (
    *("metadata", "involvedObject", "reason", "message", "type", "count", "series"),
    *("firstTimestamp", "lastTimestamp", "eventTime"),
)


@dataclass
class Trimmer:
    """Takes away what is not read, and lets equal parts of pods be one."""

    _known: dict[bytes, Json] = field(default_factory=dict)

    def trimmed(self, kind: Kind, one: Document) -> Document:
        """Return an object with what is read of it; the one given is used up."""
        _trim_metadata(kind, one.get("metadata"))
        if kind is kinds.EVENTS:
            return {key: one[key] for key in _EVENT if key in one}
        if kind is kinds.NODES:
            _drop(one.get("status"), _NODE_STATUS)
            for told in fields.many(one, "status", "conditions"):
                told.pop("lastHeartbeatTime", None)  # each node tells each five minutes how it is
        if kind is kinds.PODS:
            self._pod(one)
        for container in fields.many(one, "spec", "template", "spec", "containers"):
            self._share(container, *container)  # revisions differ in little
        return one

    def _pod(self, pod: Document) -> None:
        if isinstance(meta := pod.get("metadata"), dict):
            self._share(meta, "labels", "annotations", "ownerReferences")
        if not isinstance(spec := pod.get("spec"), dict):
            return
        _drop(spec, _POD_SPEC)
        if isinstance(volumes := spec.get("volumes"), list):
            claims = [o for o in volumes if isinstance(o, dict) and "persistentVolumeClaim" in o]
            spec["volumes"] = claims
        for key in ("containers", "initContainers"):
            found = spec.get(key)
            for container in found if isinstance(found, list) else ():
                _drop(container, _CONTAINER)
        self._share(spec, *spec)

    def _share(self, holder: Document, *keys: str) -> None:
        """Let equal parts of several objects be one: all pods of a workload say the same."""
        for key in keys:
            part = holder.get(key)
            if isinstance(part, dict | list | str):
                if len(self._known) >= _MOST_SHARED:
                    self._known.clear()
                with suppress(orjson.JSONEncodeError):  # nested too deeply: it is kept as it is
                    holder[key] = self._known.setdefault(orjson.dumps(part), part)


def _trim_metadata(kind: Kind, meta: Json) -> None:
    if isinstance(meta, dict):
        if not kind.metadata_only:  # of a ConfigMap they tell that, and when, it was changed
            meta.pop("managedFields", None)
            meta.pop("resourceVersion", None)  # whoever changes an object reads it anew
        _drop(meta.get("annotations"), (_APPLIED,))


def _drop(holder: Json, keys: tuple[str, ...]) -> None:
    if isinstance(holder, dict):
        for key in keys:
            holder.pop(key, None)
