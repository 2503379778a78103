"""set_config: give one setting of a service a value."""

from aiops_agent.actions.catalogue import ActionSpec
from aiops_agent.domain.remediation import ActionKind, Risk

SET_CONFIG = ActionSpec(
    kind=ActionKind("set_config"),
    caption="give one setting of a service a value",
    parameters={"name": str, "value": str},
    risk=Risk.MEDIUM,
)
