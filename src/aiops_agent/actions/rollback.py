"""rollback_release: run the release of a service that ran before."""

from aiops_agent.actions.catalogue import ActionSpec
from aiops_agent.domain.remediation import ActionKind, Risk

ROLLBACK = ActionSpec(
    kind=ActionKind("rollback_release"),
    caption="go back to an earlier release of a service",
    parameters={"release": str},
    risk=Risk.MEDIUM,
)
