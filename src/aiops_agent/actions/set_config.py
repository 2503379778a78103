"""set_config: give one setting of a service a value."""

from aiops_agent.actions.catalogue import ActionSpec, Parameters, Unbounded
from aiops_agent.domain.remediation import ActionKind, Risk


class SetConfigParameters(Parameters):
    """The setting and its value; in Kubernetes it is CONFIGMAP/KEY."""

    name: str
    value: str


SET_CONFIG = ActionSpec(
    kind=ActionKind("set_config"),
    parameters=SetConfigParameters,
    noun="changing the setting",
    do="set {name}={value} on {target}",
    undo="set {name}={value} on {target} again",
    risk=Risk.MEDIUM,
    hazard="every replica restarts with another value",
    platforms=frozenset({"shop", "kubernetes"}),
    bounds=Unbounded,
)
