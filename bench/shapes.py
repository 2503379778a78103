"""Changes of workloads and ConfigMaps that the executor's account must never be able to make.

With them what a release may differ in, and the workloads that both are of.

Each is taken of an administrator, so that nothing but the policy refuses it.
"""

from dataclasses import dataclass
from typing import Any

from aiops_agent.adapters.kubernetes.json_patch import pointer
from aiops_agent.adapters.kubernetes.kinds import (
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    Kind,
)
from aiops_agent.adapters.kubernetes.live import MARK
from bench.accounts import BEYOND

Raw = dict[str, Any]
NAME = "shop"
IMAGE = "registry.test/shop/web:2.4.0"
KINDS = {one.title: one for one in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, CONFIG_MAPS)}
_POD = "/spec/template/spec"
_FIRST = f"{_POD}/containers/0"
_NOTES = "/spec/template/metadata/annotations"
_CHECK = {"httpGet": {"path": "/", "port": 80}}


@dataclass(frozen=True)
class Shape:
    """One change: JSON Patch steps, or a body of another kind of patch."""

    name: str
    steps: tuple[Raw, ...] = ()
    of: str = "Deployment"
    marked: bool = True
    merge: Raw | None = None
    content_type: str = "application/json-patch+json"
    name_of: str = NAME

    @property
    def kind(self) -> Kind:
        """The kind of what is changed."""
        return KINDS[self.of]

    def body(self, operation: str) -> Any:
        """Return what is sent, with our mark, so that only the shape is wrong."""
        if self.merge is not None:
            meta = {"annotations": {MARK: operation}, **self.merge.get("metadata", {})}
            return {**self.merge, "metadata": meta}
        mark = put("/metadata/annotations" + pointer(MARK), operation)
        return [*self.steps, *([mark] if self.marked else [])]


def put(path: str, value: Any) -> Raw:
    """Return the step that writes a value."""
    return {"op": "add", "path": path, "value": value}


def gone(path: str) -> Raw:
    """Return the step that takes something away."""
    return {"op": "remove", "path": path}


def workloads() -> list[Raw]:
    """Return one of each kind, with something of all that may be changed, and what they name."""
    scaled = {"replicas": 2}
    return [
        _workload("Deployment", {**scaled, "strategy": {"type": "RollingUpdate"}}),
        _workload("StatefulSet", {**scaled, "serviceName": NAME}),
        _workload("DaemonSet", {}),
        *(_config(one) for one in (NAME, BEYOND)),
    ]


def _config(name: str) -> Raw:
    about = {"name": name, "labels": {"team": "web"}, "annotations": {"note": "a"}}
    data = {"POOL": "20", "LEVEL": "info"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data}


def _workload(kind: str, spec: Raw) -> Raw:
    labels = {"app": NAME, "version": "2.4.0", "team": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": NAME, "labels": {"team": "web"}, "annotations": {"note": "a"}},
        "spec": {
            "selector": {"matchLabels": {"app": NAME}},
            "template": {
                "metadata": {"labels": labels, "annotations": {"checksum/config": "1", "b": "c"}},
                "spec": _pod(),
            },
            **spec,
        },
    }


def _pod() -> Raw:
    key = {"secretKeyRef": {"name": "own", "key": "password"}}
    web = {
        "name": "web",
        "image": IMAGE,
        "command": ["serve"],
        "env": [{"name": "PASSWORD", "valueFrom": key}, {"name": "POOL", "value": "20"}],
        "envFrom": [{"secretRef": {"name": "own"}}, {"configMapRef": {"name": "web-1"}}],
        "readinessProbe": _CHECK,
        "resources": {"limits": {"memory": "64Mi"}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/web"}],
    }
    return {
        "containers": [web, {"name": "log", "image": "registry.test/log:1"}],
        "initContainers": [{"name": "migrate", "image": IMAGE}],
        "resourceClaims": [{"name": "gpu", "resourceClaimName": "gpu"}],
        "serviceAccountName": "default",
        "volumes": [
            {"name": "config", "configMap": {"name": "web-1"}},
            {"name": "keys", "secret": {"secretName": "own"}},
            {"name": "scratch", "emptyDir": {}},
        ],
    }


def _one(name: str, path: str, value: Any, of: str = "Deployment") -> Shape:
    return Shape(name, (put(path, value),), of)


_OTHER_KEY = {"secretKeyRef": {"name": "other", "key": "password"}}
_OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}
_CONTAINERS = (
    _one("another repository", f"{_FIRST}/image", "registry.test/shop/evil:2.4.0"),
    _one("another registry", f"{_FIRST}/image", "evil.test/shop/web:2.4.0"),
    _one("a longer repository", f"{_FIRST}/image", "registry.test/shop/web/evil:2.4.0"),
    _one("a shorter repository", f"{_FIRST}/image", "registry.test/shop"),
    _one("a port that is a registry", f"{_FIRST}/image", "registry.test:5000/shop/web:2.4.0"),
    _one("a repository by digest", f"{_FIRST}/image", "evil.test/web@sha256:" + "0" * 64),
    _one("init of another repository", f"{_POD}/initContainers/0/image", "evil.test/web:1"),
    _one("a sidecar", f"{_POD}/containers/-", {"name": "x", "image": IMAGE}),
    _one("an init container", f"{_POD}/initContainers/-", {"name": "x", "image": IMAGE}),
    Shape("a container less", (gone(f"{_POD}/containers/1"),)),
    _one("another name", f"{_POD}/containers/1/name", "x"),
    Shape(
        "a container moved to the start",
        ({"op": "move", "from": f"{_POD}/containers/1", "path": f"{_POD}/initContainers/0"},),
    ),
    _one("a command", f"{_FIRST}/command", ["sh", "-c", "evil"]),
    Shape("no command", (gone(f"{_FIRST}/command"),)),
    _one("arguments", f"{_FIRST}/args", ["--evil"]),
    _one("a working folder", f"{_FIRST}/workingDir", "/tmp"),
    _one("a pull policy", f"{_FIRST}/imagePullPolicy", "Never"),
    _one("a hook", f"{_FIRST}/lifecycle", {"preStop": {"exec": {"command": ["evil"]}}}),
    _one("a port of the node", f"{_FIRST}/ports", [{"containerPort": 80, "hostPort": 80}]),
    _one("a mount", f"{_FIRST}/volumeMounts/-", {"name": "keys", "mountPath": "/keys"}),
    _one("a Secret as variable", f"{_FIRST}/env/-", {"name": "A", "valueFrom": _OTHER_KEY}),
    _one("a Secret as all variables", f"{_FIRST}/envFrom/-", {"secretRef": {"name": "other"}}),
    _one(
        "a Secret of the neighbour",
        f"{_POD}/containers/1/envFrom",
        [{"secretRef": {"name": "own"}}],
    ),
    _one("a probe that runs a command", f"{_FIRST}/readinessProbe", {"exec": {"command": ["x"]}}),
    _one(
        "a probe of another host",
        f"{_FIRST}/livenessProbe",
        {"httpGet": {"host": "192.0.2.1", "port": 80}},
    ),
    _one(
        "a probe of another host's port",
        f"{_FIRST}/startupProbe",
        {"tcpSocket": {"host": "192.0.2.1", "port": 80}},
    ),
    _one("a device", f"{_FIRST}/resources/claims", [{"name": "gpu"}]),
    _one("privileged", f"{_FIRST}/securityContext", {"privileged": True}),
    _one("a capability", f"{_FIRST}/securityContext", {"capabilities": {"add": ["SYS_ADMIN"]}}),
    _one("root", f"{_FIRST}/securityContext", {"runAsUser": 0}),
    _one("a terminal", f"{_FIRST}/tty", value=True),
)
_PODS = (
    *(_one(one, f"{_POD}/{one}", value=True) for one in ("hostNetwork", "hostPID", "hostIPC")),
    _one("another account", f"{_POD}/serviceAccountName", "admin"),
    _one("a token", f"{_POD}/automountServiceAccountToken", value=True),
    _one("another group", f"{_POD}/securityContext", {"fsGroup": 0}),
    _one("a node", f"{_POD}/nodeName", "node1"),
    _one("a selector of nodes", f"{_POD}/nodeSelector", {"control-plane": "true"}),
    _one("a toleration", f"{_POD}/tolerations", [{"operator": "Exists"}]),
    _one("a priority", f"{_POD}/priorityClassName", "system-node-critical"),
    _one("a pull Secret", f"{_POD}/imagePullSecrets", [{"name": "other"}]),
    _one("a name of a host", f"{_POD}/hostAliases", [{"ip": "192.0.2.1", "hostnames": ["db"]}]),
    _one("a name server", f"{_POD}/dnsConfig", {"nameservers": ["192.0.2.1"]}),
    _one("another scheduler", f"{_POD}/schedulerName", "evil"),
    _one("another runtime", f"{_POD}/runtimeClassName", "evil"),
    _one("no time to end", f"{_POD}/terminationGracePeriodSeconds", 0),
    _one("a host's folder", f"{_POD}/volumes/-", {"name": "x", "hostPath": {"path": "/"}}),
    _one("a Secret as volume", f"{_POD}/volumes/-", {"name": "x", "secret": {"secretName": "o"}}),
    _one("another Secret", f"{_POD}/volumes/1/secret/secretName", "other"),
    Shape(
        "a ConfigMap that becomes a Secret",
        (
            gone(f"{_POD}/volumes/0/configMap"),
            put(f"{_POD}/volumes/0/secret", {"secretName": "other"}),
        ),
    ),
    Shape(
        "a scratch folder that becomes a ConfigMap",
        (gone(f"{_POD}/volumes/2/emptyDir"), put(f"{_POD}/volumes/2/configMap", {"name": "x"})),
    ),
)
_OBJECT = (
    _one("nobody left", "/spec/replicas", 0),
    _one("too many", "/spec/replicas", 21),
    Shape(
        "replicas and a release",
        (put("/spec/replicas", 3), put(f"{_FIRST}/image", "registry.test/shop/web:2.3.9")),
    ),
    _one("paused", "/spec/paused", value=True),
    _one("all at once", "/spec/strategy", {"type": "Recreate"}),
    _one("no history", "/spec/revisionHistoryLimit", 0),
    _one("another deadline", "/spec/progressDeadlineSeconds", 1200),
    _one("ready later", "/spec/minReadySeconds", 60),
    _one("a label", "/metadata/labels/team", "evil"),
    Shape("no label", (gone("/metadata/labels"),)),
    _one("a finalizer", "/metadata/finalizers", ["evil.test/never"]),
    _one("an owner", "/metadata/ownerReferences", [_OWNER]),
    _one("an annotation", "/metadata/annotations/note", "b"),
    Shape("an annotation less", (gone("/metadata/annotations/note"),)),
    _one("a label of the pods", "/spec/template/metadata/labels/team", "evil"),
    Shape("a label of the pods less", (gone("/spec/template/metadata/labels/team"),)),
    _one("an annotation of the pods", f"{_NOTES}/b", "d"),
    Shape("an annotation of the pods less", (gone(f"{_NOTES}/b"),)),
    _one("a finalizer of the pods", "/spec/template/metadata/finalizers", ["evil.test/never"]),
    Shape("a change without a mark", (put("/spec/replicas", 3),), marked=False),
    Shape(
        "a mark of another form",
        (put("/spec/replicas", 3), put("/metadata/annotations" + pointer(MARK), "a b")),
        marked=False,
    ),
)
_OTHERS = (
    _one("a set's release", f"{_FIRST}/image", "registry.test/shop/web:2.3.9", "StatefulSet"),
    _one("a set's variable", f"{_FIRST}/env/-", {"name": "A", "value": "b"}, "StatefulSet"),
    _one("nobody left of a set", "/spec/replicas", 0, "StatefulSet"),
    _one("a set's strategy", "/spec/updateStrategy", {"type": "OnDelete"}, "StatefulSet"),
    _one(
        "a set's claims",
        "/spec/persistentVolumeClaimRetentionPolicy",
        {"whenDeleted": "Delete", "whenScaled": "Delete"},
        "StatefulSet",
    ),
    _one("an agent's release", f"{_FIRST}/image", "registry.test/shop/web:2.3.9", "DaemonSet"),
    _one("an agent's checksum", f"{_NOTES}/checksum~1config", "2", "DaemonSet"),
    _one("an agent's version", "/spec/template/metadata/labels/version", "2", "DaemonSet"),
    _one("an agent's strategy", "/spec/updateStrategy", {"type": "OnDelete"}, "DaemonSet"),
    Shape(
        "a label by a merge",
        merge={"metadata": {"labels": {"team": "evil"}}},
        content_type="application/merge-patch+json",
    ),
    Shape(
        "a sidecar by a strategic merge",
        merge={
            "spec": {
                "template": {"spec": {"containers": [{"name": "x", "image": "evil.test/x"}]}},
            }
        },
        content_type="application/strategic-merge-patch+json",
    ),
    Shape(
        "an annotation by a forced apply",
        merge={
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": NAME, "annotations": {MARK: "INC-1.1.1", "note": "evil"}},
        },
        content_type="application/apply-patch+yaml",
    ),
)
_POOL = put("/data/POOL", "2")
_SETTINGS = (
    Shape("a value of another ConfigMap", (_POOL,), "ConfigMap", name_of=BEYOND),
    Shape("two values", (_POOL, put("/data/LEVEL", "debug")), "ConfigMap"),
    _one("a key more", "/data/MORE", "x", "ConfigMap"),
    Shape("a key less", (gone("/data/LEVEL"),), "ConfigMap"),
    Shape("no key", (gone("/data"),), "ConfigMap"),
    _one("something binary", "/binaryData", {"MORE": "eA=="}, "ConfigMap"),
    _one("never again", "/immutable", value=True, of="ConfigMap"),
    _one("a label of a ConfigMap", "/metadata/labels/team", "evil", "ConfigMap"),
    _one("a ConfigMap's finalizer", "/metadata/finalizers", ["evil.test/never"], "ConfigMap"),
    _one("a ConfigMap's owner", "/metadata/ownerReferences", [_OWNER], "ConfigMap"),
    _one("a ConfigMap's annotation", "/metadata/annotations/note", "b", "ConfigMap"),
    Shape("a value without a mark", (_POOL,), "ConfigMap", marked=False),
)
OUT_OF_SHAPE = (*_CONTAINERS, *_PODS, *_OBJECT, *_OTHERS, *_SETTINGS)
# What a release may differ in, so that its rollback is let through.
IN_SHAPE = (
    _one("more replicas", "/spec/replicas", 20),
    _one("a restart", f"{_NOTES}/kubectl.kubernetes.io~1restartedAt", "2026-03-01T12:00:00Z"),
    _one("an earlier tag", f"{_FIRST}/image", "registry.test/shop/web:2.3.9"),
    _one("a digest", f"{_FIRST}/image", "registry.test/shop/web@sha256:" + "0" * 64),
    _one("an earlier tag of the start", f"{_POD}/initContainers/0/image", IMAGE + "-rc"),
    _one("a value", f"{_FIRST}/env/1/value", "2"),
    Shape("a variable less", (gone(f"{_FIRST}/env/1"),)),
    Shape("no variable of a Secret", (gone(f"{_FIRST}/env"), gone(f"{_FIRST}/envFrom/0"))),
    _one("another ConfigMap as variables", f"{_FIRST}/envFrom/1/configMapRef/name", "web-0"),
    _one("another ConfigMap as volume", f"{_POD}/volumes/0/configMap/name", "web-0"),
    _one("another limit", f"{_FIRST}/resources/limits/memory", "128Mi"),
    _one("another path of a probe", f"{_FIRST}/readinessProbe/httpGet/path", "/ready"),
    Shape("no probe", (gone(f"{_FIRST}/readinessProbe"),)),
    _one("another checksum", f"{_NOTES}/checksum~1config", "0"),
    _one("another version", "/spec/template/metadata/labels/version", "2.3.9"),
    Shape("no version", (gone("/spec/template/metadata/labels/version"),)),
    _one("replicas of a set", "/spec/replicas", 3, "StatefulSet"),
    Shape("a value of a ConfigMap", (_POOL,), "ConfigMap"),
    *(
        _one(f"a restart of a {kind}", f"{_NOTES}/kubectl.kubernetes.io~1restartedAt", "x", kind)
        for kind in ("StatefulSet", "DaemonSet")
    ),
)
