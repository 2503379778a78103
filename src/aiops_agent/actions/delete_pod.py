"""delete_pod: end single pods of a service, so that their controller makes them anew."""

from pydantic import Field

from aiops_agent.actions.catalogue import ActionSpec, Parameters
from aiops_agent.domain.remediation import ActionKind, Capacity, Risk
from aiops_agent.domain.value import Value


class DeletePodParameters(Parameters):
    """The pods by name, a comma between two."""

    pods: str


class DeletePodBounds(Value):
    """How many pods are ended at once at most; with 0 the whole service is restarted instead."""

    max_pods: int = Field(default=3, ge=0, le=50)


def _flaw(wished: DeletePodParameters, bounds: DeletePodBounds) -> str:
    names = wished.pods.split(",")
    if "" in names or len(set(names)) < len(names):
        return "each pod is named, once."
    if len(names) > bounds.max_pods:
        return f"at most {bounds.max_pods} pods are ended at once (actions.delete_pod.max_pods)."
    return ""


DELETE_POD = ActionSpec(
    kind=ActionKind("delete_pod"),
    parameters=DeletePodParameters,
    noun="a restart of ill pods",
    do="restart only {pods} of {target}",
    undo="a restart cannot be taken back",
    risk=Risk.LOW,
    hazard="requests in flight at these pods are lost",
    platforms=frozenset({"kubernetes"}),
    bounds=DeletePodBounds,
    reversible=False,
    capacity=Capacity.TAKES,
    flaw=_flaw,
)
