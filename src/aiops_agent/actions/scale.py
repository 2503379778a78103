"""scale_pods: run a service on so many replicas."""

from pydantic import Field

from aiops_agent.actions.catalogue import ActionSpec, Parameters
from aiops_agent.domain.remediation import ActionKind, Capacity, Risk
from aiops_agent.domain.value import Value


class ScaleParameters(Parameters):
    """The wished number, never "two more"."""

    replicas: int


class ScaleBounds(Value):
    """On how many replicas a service may run at most."""

    max_replicas: int = Field(default=10, ge=1, le=1000)


def _flaw(wished: ScaleParameters, bounds: ScaleBounds) -> str:
    if wished.replicas < 1:
        return "at least one replica must stay."
    if wished.replicas > bounds.max_replicas:
        most = f"at most {bounds.max_replicas} replicas are allowed"
        return f"{most} (actions.scale_pods.max_replicas)."
    return ""


SCALE = ActionSpec(
    kind=ActionKind("scale_pods"),
    parameters=ScaleParameters,
    noun="scaling",
    do="scale {target} to {replicas} replicas",
    undo="scale {target} back to {replicas} replicas",
    risk=Risk.LOW,
    hazard="the number of replicas changes",
    platforms=frozenset({"shop", "docker", "kubernetes"}),
    bounds=ScaleBounds,
    capacity=Capacity.ADDS,
    flaw=_flaw,
)
