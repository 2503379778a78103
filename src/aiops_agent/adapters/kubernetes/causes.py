"""What the words of kubelet, registry and API server mean: the step that mends it."""

import re

_MISSING = re.compile(r"\b(?P<of>configmap|secret)s? \"?(?P<name>[\w./-]{1,253})\"?", re.IGNORECASE)
_KEY = re.compile(r"\bkeys?\b")


def image(words: str, reason: str) -> str:
    """Return the step for an image that cannot be had, by the registry's words."""
    said = words.lower()
    if reason == "InvalidImageName":
        return "correct the image's name: it cannot be one"
    if reason == "ErrImageNeverPull":
        return "load the image on the node, or let it be pulled (imagePullPolicy)"
    for marks, step in _IMAGE:
        if any(mark in said for mark in marks):
            return step
    return "correct the image's name or tag"


_IMAGE = (
    (("no match for platform", "exec format"), "build the image for this node's architecture"),
    (("toomanyrequests", "rate limit"), "the registry limits pulls: log in, or use a mirror"),
    (
        ("unauthorized", "authentication required", "no basic auth", "access denied", "forbidden"),
        "correct the pull secret (imagePullSecrets), or the image's name",
    ),
    (
        ("no such host", "dial tcp", "timeout", "connection refused", "x509", "i/o"),
        "see whether the registry's name is right and the node reaches it",
    ),
    (
        ("not found", "manifest unknown", "does not exist"),
        "correct the name or tag: there is no such image",
    ),
)


def start(words: str) -> str:
    """Return the step for a command that cannot be started."""
    said = words.lower()
    if "exec format error" in said:
        return "use an image that is built for this node's architecture"
    if "permission denied" in said:
        return "make the command executable, or correct the user that it runs as"
    if "not found" in said or "no such file" in said:
        return "correct the command: the image has no such program"
    if "runasnonroot" in said or "run as root" in said:
        return "set runAsUser, or use an image that does not run as root"
    return "correct the container's command or security context"


def missing(words: str, namespace: str) -> str:
    """Return the step for a reference to what is not there, by the kubelet's words; "" if none."""
    found = _MISSING.search(words)
    if found is None:
        return ""
    of = "Secret" if found["of"].lower() == "secret" else "ConfigMap"
    name = found["name"].rpartition("/")[2]
    beside = words[: found.start("name")] + words[found.end("name") :]
    if _KEY.search(beside):
        return f"add the key to {of} {namespace}/{name}, or correct the reference"
    return f"create {of} {namespace}/{name}, or correct the reference in the pod template"


def refused(words: str) -> str:
    """Return the step where the API server refuses new pods, by its words."""
    said = words.lower()
    for marks, step in _REFUSED:
        if any(mark in said for mark in marks):
            return step
    return "see why the API server refuses the pod"


_REFUSED = (
    (("must specify",), "set requests and limits: the quota counts them, and the pod has none"),
    (("exceeded quota",), "raise the ResourceQuota, lower the requests, or want fewer replicas"),
    (("podsecurity",), "correct the securityContext, or the namespace's Pod Security level"),
    (("webhook",), "mend the admission webhook that refuses, or does not answer"),
    (("serviceaccount",), "create the service account, or correct its name in the pod template"),
    (("limitrange", "maximum ", "minimum "), "keep to the LimitRange of the namespace"),
    (("priorityclass", "priority class"), "correct priorityClassName"),
)


def volume(words: str) -> str:
    """Return the step for a volume that cannot be mounted or bound."""
    said = words.lower()
    for marks, step in _VOLUME:
        if any(mark in said for mark in marks):
            return step
    return "see the volume and its driver"


_VOLUME = (
    (("storageclass",), "create the StorageClass, or correct its name in the claim"),
    (
        ("no persistent volumes available",),
        "name a StorageClass in the claim, or create a PersistentVolume that fits",
    ),
    (("multi-attach",), "it is on another node: want one replica, or use ReadWriteMany"),
)
