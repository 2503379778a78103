"""Why no node takes a pod: the scheduler's sentence, and what would mend each of its reasons."""

import re
from collections.abc import Iterator

from aiops_agent.domain.trouble import TroubleKind

# The words of the scheduler's own plugins; a taint's key tells a cordon from one that people set.
_STEPS = (
    ("node.kubernetes.io/unschedulable", "uncordon a node (kubectl uncordon NODE) or add one"),
    ("were unschedulable", "uncordon a node (kubectl uncordon NODE) or add one"),
    ("node.kubernetes.io/not-ready", "look at the node that is not ready"),
    ("node.kubernetes.io/unreachable", "look at the node that cannot be reached"),
    ("untolerated taint", "add a toleration to the pod template, or remove the taint of the node"),
    ("node affinity/selector", "correct nodeSelector or affinity, or label a node"),
    ("anti-affinity", "make the anti-affinity preferred, want fewer replicas, or add a node"),
    ("pod affinity rules", "correct the pod affinity: no node runs what it asks for"),
    ("topology spread", "relax topologySpreadConstraints, or add a node"),
    ("free ports", "change hostPort, or want at most one such pod a node"),
    ("Too many pods", "add a node: those there hold as many pods as they may"),
    ("no nodes available", "add a node: there is none"),
)
_CLAIMS = (
    ("unbound immediate PersistentVolumeClaims", "see why the claim is not bound"),
    ("volume node affinity conflict", "the volume is of another node or zone: move one of them"),
    ("persistentvolumeclaim", "create the claim, or correct its name in the pod template"),
    ("volume", "see the volumes that the pod asks for"),
)
_SHORT = re.compile(r"Insufficient ([\w./-]{1,80})")


def unscheduled(message: str) -> tuple[TroubleKind, str]:
    """Return what kind of trouble the scheduler's message tells, and the step that mends it."""
    said = message.partition("preemption:")[0]
    steps = list(dict.fromkeys(_short(said))) + [step for words, step in _STEPS if words in said]
    if not steps:
        for words, step in _CLAIMS:
            if words in said:
                return TroubleKind.VOLUME, step
    if "were unschedulable" not in said and "unschedulable}" in said:
        steps = [one for one in steps if "toleration" not in one]  # that is what a cordon is
    told = "; or ".join(dict.fromkeys(steps)) or "see why the scheduler finds no node for it"
    return TroubleKind.UNSCHEDULABLE, told


def _short(said: str) -> Iterator[str]:
    for what in _SHORT.findall(said):
        yield f"lower the request for {what}, or add a node that has as much"
