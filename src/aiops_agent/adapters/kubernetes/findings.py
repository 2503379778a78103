"""Objects in, troubles out: what a cluster says is wrong, the worst first. No server is asked."""

from aiops_agent.adapters.kubernetes import bounds, network, pods, rollouts
from aiops_agent.adapters.kubernetes.state import ClusterState
from aiops_agent.domain.trouble import PlatformTrouble, TroubleKind

# A consequence is told after what may have caused it.
_LAST = (TroubleKind.ROLLOUT_STUCK, TroubleKind.NO_ENDPOINTS, TroubleKind.BUDGET_BLOCKS)


def troubles(state: ClusterState) -> tuple[PlatformTrouble, ...]:
    """Return all that is wrong; what is of another shape than we know is not seen, never fatal."""
    found = [one for part in (pods, rollouts, network, bounds) for one in part.troubles(state)]
    found.sort(key=lambda one: (not one.harm, one.kind in _LAST, one.namespace, one.name))
    return tuple(found)
