"""How an action is done in Kubernetes: the change, what it touches, and its words."""

from dataclasses import dataclass, field

from aiops_agent.adapters.kubernetes.json_patch import Step
from aiops_agent.adapters.kubernetes.live import LiveObject, LiveWorkload
from aiops_agent.adapters.kubernetes.payload import PinnedTemplate
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.text import shell
from aiops_agent.domain.value import Document

_ROLLING = ("RollingUpdate", "")


@dataclass(frozen=True)
class WorkloadChange:
    """The steps of one patch; () when the workload is so already."""

    steps: tuple[Step, ...]
    touched: int  # pods
    interrupts: bool
    words: str
    run: str
    undo: str = ""
    rights: tuple[str, ...] = ()
    pinned: PinnedTemplate | None = None
    leaving: str = ""  # the release that is left, in words
    leaves: Document = field(default_factory=dict)  # what the way back needs, of the precondition


def rolled_out(live: LiveWorkload) -> str:
    """Return how another template reaches the pods, in words.

    Raises PlatformError where it would not reach them all.
    """
    if live.spec.get("paused"):
        raise PlatformError(
            f"{live.words} is paused: it would change nothing; first "
            f"{kubectl(live, 'rollout', 'resume')}."
        )
    strategy = live.spec.get("strategy") or live.spec.get("updateStrategy") or {}
    kind, rolling = str(strategy.get("type") or ""), strategy.get("rollingUpdate") or {}
    if kind == "Recreate":
        return "all at once: while they start there is none"
    if kind not in _ROLLING:
        raise PlatformError(
            f"{live.words} replaces no pod by itself (its strategy is {kind[:40]}): do it by hand."
        )
    if rolling.get("partition"):
        raise PlatformError(
            f"{live.words} replaces only some of its pods (partition {rolling['partition']}): do "
            "it by hand."
        )
    return "one after the other"


def pods(count: int, adjective: str = "") -> str:
    """Return so many pods in words."""
    return f"{count} {adjective}pod{'' if count == 1 else 's'}"


def kubectl(live: LiveWorkload, *words: str) -> str:
    """Return the command that a person would type, with the workload at its end."""
    name = f"{live.kind.title.lower()}/{live.name}"
    return shell("kubectl", "-n", live.namespace, *words, name)


def drift(live: LiveObject) -> str:
    """Say what Helm makes of a change that it did not make, "" where there is no Helm."""
    if live.helm is None:
        return ""
    return f"; Helm release {live.helm[0]} does not know of it: its next upgrade may put it back"
