"""What a pod template may do, so that a rollback adds nothing to it.

Of each field somebody has decided here what it is: free to change, or one that grants something,
or one that has to stay as it is. What is nowhere in this file has to stay as it is.
"""

import json
from collections.abc import Callable, Iterator
from typing import TypeAlias

from aiops_agent.adapters.kubernetes.live import mapped
from aiops_agent.domain.value import Document, Json

Grant: TypeAlias = tuple[str, bool]  # the right in words, and whether it is beyond the pod's walls

# What a release changes: what runs, with what values and bounds, how it is looked at, and where.
_FREE_CONTAINER = frozenset(
    (
        "args", "command", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "name",
        "readinessProbe", "resizePolicy", "restartPolicy", "startupProbe", "stdin", "stdinOnce",
        "terminationMessagePath", "terminationMessagePolicy", "tty", "volumeMounts", "workingDir",
    )
)  # fmt: skip
_FREE_POD = frozenset(
    (
        "activeDeadlineSeconds", "affinity", "dnsPolicy", "enableServiceLinks", "nodeSelector",
        "readinessGates", "restartPolicy", "terminationGracePeriodSeconds",
        "topologySpreadConstraints",
    )
)  # fmt: skip
# Names that tell a release and that no policy of a network or of an identity selects by.
_FREE_LABELS = frozenset(
    ("app.kubernetes.io/version", "helm.sh/chart", "pod-template-hash", "version")
)
_FREE_ANNOTATIONS = ("checksum/", "kubectl.kubernetes.io/", "prometheus.io/", "aiops-agent/")
_FREE_VOLUMES = frozenset(("configMap", "downwardAPI", "emptyDir"))
_FREE_SOURCES = frozenset(("configMapKeyRef", "fieldRef", "resourceFieldRef"))
# What a container gets that drops nothing (containerd's default).
_USUAL_CAPABILITIES = frozenset(
    (
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
        "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    )
)  # fmt: skip
_HOST = {"hostNetwork": "network", "hostPID": "processes", "hostIPC": "shared memory"}
_LONGEST = 80  # characters of a foreign name in our words


def beyond_walls(template: Document) -> tuple[str, ...]:
    """Return in words what a pod of the template may do to its node; () for an ordinary one."""
    return tuple(dict.fromkeys(words for words, beyond in _grants(template) if beyond))


def gained(now: Document, then: Document) -> tuple[str, ...]:
    """Return in words what the template `then` may do, or holds, that `now` may not.

    A field of which nobody decided what it grants is told when it differs in any way.
    """
    had = {words for words, _ in _grants(now)}
    added = [words for words, _ in _grants(then) if words not in had]
    before, after = _rest(now), _rest(then)
    differing = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    told = (
        f"another {key[:_LONGEST]}, of which we do not know what it grants" for key in differing
    )
    return tuple(dict.fromkeys([*added, *told]))


def _grants(template: Document) -> Iterator[Grant]:
    """Yield each right in words, and whether it reaches beyond the walls of the pod."""
    pod = mapped(template, "spec")
    yield from _of_node(pod)
    yield from _of_account(pod)
    for volume in pod.get("volumes") or ():
        yield from _of_volume(volume)
    of_node = {
        one.get("name"): one["hostPath"] for one in pod.get("volumes") or () if "hostPath" in one
    }
    for container in _containers(pod):
        yield from _of_container(container, mapped(pod, "securityContext"))
        for mount in container.get("volumeMounts") or ():
            if mount.get("name") in of_node and not mount.get("readOnly"):
                path = mapped(of_node, mount["name"]).get("path")
                yield f"writing to {str(path)[:_LONGEST]} of its node", True


def _of_node(pod: Document) -> Iterator[Grant]:
    for field, words in _HOST.items():
        if pod.get(field):
            yield f"the {words} of its node ({field})", True
    if pod.get("hostUsers") is not False:
        yield "the user ids of its node", False
    if pod.get("shareProcessNamespace"):
        yield "the processes of its other containers", False
    for toleration in pod.get("tolerations") or ():
        yield f"nodes with the taint {_plain(toleration)}", False


def _of_account(pod: Document) -> Iterator[Grant]:
    yield f"service account {pod.get('serviceAccountName') or 'default'}", False
    if pod.get("automountServiceAccountToken") is not False:
        yield "the token of its service account", False
    for secret in pod.get("imagePullSecrets") or ():
        yield f"the Secret {secret.get('name')} to pull images", False


def _of_volume(volume: Document) -> Iterator[Grant]:
    for kind in (key for key in volume if key != "name"):
        about = mapped(volume, kind)
        if kind == "hostPath":
            yield f"{str(about.get('path'))[:_LONGEST]} of its node", True
        elif kind == "secret":
            yield f"the Secret {about.get('secretName')}", False
        elif kind == "projected":
            yield from (grant for one in about.get("sources") or () for grant in _projected(one))
        elif kind not in _FREE_VOLUMES:
            yield f"a volume of kind {kind}: {_plain(about)}", False


def _projected(source: Document) -> Iterator[Grant]:
    for kind in source:
        if kind == "secret":
            yield f"the Secret {mapped(source, kind).get('name')}", False
        elif kind not in _FREE_VOLUMES:
            yield f"{kind}: {_plain(source[kind])}", False


def _of_container(one: Document, pod: Document) -> Iterator[Grant]:
    name, own = str(one.get("name"))[:_LONGEST], mapped(one, "securityContext")
    if own.get("privileged"):
        yield f"every right on its node, since {name} is privileged", True
    for capability in sorted(_capabilities(own)):
        yield f"capability {capability} of {name}", capability not in _USUAL_CAPABILITIES
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"more rights than its parent for a process of {name}", False
    if own.get("procMount", "Default") != "Default":
        yield f"the kernel's hidden paths in {name}", True
    if not own.get("readOnlyRootFilesystem"):
        yield f"writing to the files of {name}", False
    filtered = own.get("seccompProfile", pod.get("seccompProfile")) or {}
    if filtered.get("type") != "RuntimeDefault":  # which no cluster makes wider than the others
        yield f"system calls by {_plain(filtered) if filtered else 'no filter'} in {name}", False
    yield from _of_user(name, own, pod)
    yield from _of_devices(name, one)
    yield from _of_env(one)


def _of_user(name: str, own: Document, pod: Document) -> Iterator[Grant]:
    user = own.get("runAsUser", pod.get("runAsUser"))
    if user:
        yield f"user {user} in {name}", False
    elif user == 0 or not own.get("runAsNonRoot", pod.get("runAsNonRoot")):
        yield f"root in {name}", False


def _of_devices(name: str, one: Document) -> Iterator[Grant]:
    for port in one.get("ports") or ():
        if port.get("hostPort"):
            yield f"port {port['hostPort']} of its node", True
    for device in one.get("volumeDevices") or ():
        yield f"the device {_plain(device)} in {name}", True
    if claims := mapped(one, "resources").get("claims"):
        yield f"the devices {_plain(claims)} in {name}", False


def _of_env(one: Document) -> Iterator[Grant]:
    """A value is no right; a Secret that it is read from is one."""
    sources = [mapped(variable, "valueFrom") for variable in one.get("env") or ()]
    for source in sources:
        for kind in source:
            if kind == "secretKeyRef":
                yield f"the Secret {mapped(source, kind).get('name')}", False
            elif kind not in _FREE_SOURCES:
                yield f"a variable from {kind}: {_plain(source[kind])}", False
    for source in one.get("envFrom") or ():
        for kind in (key for key in source if key not in ("prefix", "configMapRef")):
            about = mapped(source, kind)
            secret = kind == "secretRef"
            yield f"the Secret {about.get('name')}" if secret else f"{kind}: {_plain(about)}", False


def _capabilities(context: Document) -> frozenset[str]:
    lists = mapped(context, "capabilities")
    added, dropped = (
        {str(one).upper().removeprefix("CAP_") for one in lists.get(which) or ()}
        for which in ("add", "drop")
    )
    usual = frozenset() if "ALL" in dropped else _USUAL_CAPABILITIES - dropped
    return usual | added


_JUDGED_CONTAINER = frozenset(
    ("env", "envFrom", "ports", "resources", "securityContext", "volumeDevices")
)
_JUDGED_CONTEXT = frozenset(
    (
        "allowPrivilegeEscalation", "capabilities", "privileged", "procMount",
        "readOnlyRootFilesystem", "runAsNonRoot", "runAsUser", "seccompProfile",
    )
)  # fmt: skip
_JUDGED_POD = frozenset(
    (
        *_HOST, "hostUsers", "shareProcessNamespace", "serviceAccountName", "serviceAccount",
        "automountServiceAccountToken", "tolerations", "imagePullSecrets", "volumes",
        "securityContext", "containers", "initContainers",
    )
)  # fmt: skip


def _rest(template: Document) -> dict[str, str]:
    """Return everything that is neither free nor judged, by its place."""
    pod, metadata = mapped(template, "spec"), mapped(template, "metadata")
    found = _less(pod, "", lambda key: key in _FREE_POD | _JUDGED_POD)
    found |= _less(mapped(pod, "securityContext"), "securityContext of its pods: ", _context)
    for one in _containers(pod):
        where, known = f" of {one.get('name')}", _FREE_CONTAINER | _JUDGED_CONTAINER
        found |= {key + where: text for key, text in _less(one, "", known.__contains__).items()}
        context = _less(mapped(one, "securityContext"), "securityContext.", _context)
        found |= {key + where: text for key, text in context.items()}
    found |= _less(mapped(metadata, "labels"), "label ", _FREE_LABELS.__contains__)
    found |= _less(
        mapped(metadata, "annotations"),
        "annotation ",
        lambda key: key.startswith(_FREE_ANNOTATIONS),
    )
    return found


def _context(key: str) -> bool:
    return key in _JUDGED_CONTEXT


def _less(document: Document, prefix: str, known: Callable[[str], bool]) -> dict[str, str]:
    given = {key: value for key, value in document.items() if value not in (None, {}, [], "")}
    return {prefix + key: _plain(value) for key, value in given.items() if not known(key)}


def _containers(pod: Document) -> Iterator[Document]:
    """Yield those of a start too: what they may do, the pod may do."""
    yield from pod.get("initContainers") or ()
    yield from pod.get("containers") or ()


def _plain(value: Json) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
