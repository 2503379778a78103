"""cordon_node: let no new pod land on a machine; what runs there goes on."""

from aiops_agent.actions.catalogue import ActionSpec, Parameters
from aiops_agent.domain.remediation import ActionKind, Risk, TargetKind
from aiops_agent.domain.value import Value

NO, YES = "no", "yes"


class CordonParameters(Parameters):
    """Whether new pods may land there, "no" or, on the way back, "yes"."""

    new_pods: str


class CordonBounds(Value):
    """Machines are everybody's: only who says so lets us touch them."""

    allowed: bool = False


def _flaw(wished: CordonParameters, bounds: CordonBounds) -> str:
    if not bounds.allowed:
        return "it is not allowed to us (actions.cordon_node.allowed)."
    return "" if wished.new_pods == NO else 'new_pods is "no".'


CORDON_NODE = ActionSpec(
    kind=ActionKind("cordon_node"),
    parameters=CordonParameters,
    noun="cordoning a machine",
    do="cordon {target}",
    undo="uncordon {target}",
    risk=Risk.MEDIUM,
    hazard="the cluster has room on one machine less",
    platforms=frozenset({"kubernetes"}),
    bounds=CordonBounds,
    targets=frozenset({TargetKind.NODE}),
    flaw=_flaw,
)
