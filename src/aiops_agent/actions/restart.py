"""restart_service: end every process of a service and start it again."""

from aiops_agent.actions.catalogue import ActionSpec
from aiops_agent.domain.remediation import ActionKind, Risk

RESTART = ActionSpec(
    kind=ActionKind("restart_service"),
    caption="restart a service, one replica after the other; it cannot be taken back",
    parameters={},
    risk=Risk.LOW,
)
