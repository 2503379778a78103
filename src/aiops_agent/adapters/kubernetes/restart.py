"""restart_service in Kubernetes: a stamp in the template, so that each pod is replaced."""

from datetime import UTC, datetime

from aiops_agent.adapters.kubernetes.live import LiveWorkload, mapped
from aiops_agent.adapters.kubernetes.payload import stamped
from aiops_agent.adapters.kubernetes.way import WorkloadChange, drift, kubectl, pods, rolled_out
from aiops_agent.domain.errors import PlatformError

RESTARTED = "kubectl.kubernetes.io/restartedAt"  # what `kubectl rollout restart` writes


def restart(live: LiveWorkload, at: datetime) -> WorkloadChange:
    """Return how all pods are replaced. Raises PlatformError where that would not happen.

    The stamp is the plan's, so that what is sent again is the same.
    """
    how, stamp = rolled_out(live), f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if not live.pods and not live.replicas:
        raise PlatformError(f"{live.words} has no pod: there is nothing to restart.")
    if mapped(mapped(live.template, "metadata"), "annotations").get(RESTARTED) == stamp:
        raise PlatformError(f"{live.words} was restarted this very second: look again first.")
    count = max(live.pods, live.replicas or 0)
    return WorkloadChange(
        steps=tuple(stamped(live, RESTARTED, stamp)),
        touched=count,
        interrupts=True,
        words=f"{pods(count)} of {live.words} replaced {how}; requests in flight may be lost"
        f"{drift(live)}",
        run=kubectl(live, "rollout", "restart"),
    )
