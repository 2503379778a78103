"""scale_pods: run a service on so many replicas."""

from collections.abc import Mapping

from aiops_agent.actions.catalogue import ActionSpec
from aiops_agent.domain.remediation import Action, ActionKind, Risk


def _flaw(action: Action, bounds: Mapping[str, int]) -> str:
    wished = int(action.wished["replicas"])
    most = bounds.get("max_replicas", 1)
    if wished < 1:
        return "at least one replica must stay."
    if wished > most:
        return f"at most {most} replicas are allowed (actions.scale_pods.max_replicas)."
    return ""


SCALE = ActionSpec(
    kind=ActionKind("scale_pods"),
    caption="run a service on so many replicas",
    parameters={"replicas": int},
    risk=Risk.LOW,
    flaw=_flaw,
)
