"""restart_service: end every process of a service and start it again."""

from datetime import timedelta

from aiops_agent.actions.catalogue import ActionSpec, Parameters
from aiops_agent.domain.duration import Pause
from aiops_agent.domain.remediation import ActionKind, Capacity, Risk
from aiops_agent.domain.value import Value


class RestartParameters(Parameters):
    """A restart has none."""


class RestartBounds(Value):
    """How long a process is given to end by itself."""

    grace: Pause = timedelta(seconds=10)


RESTART = ActionSpec(
    kind=ActionKind("restart_service"),
    parameters=RestartParameters,
    noun="a restart",
    do="restart {target}",
    undo="a restart cannot be taken back",
    risk=Risk.LOW,
    hazard="requests in flight are lost",
    platforms=frozenset({"shop", "docker", "kubernetes"}),
    bounds=RestartBounds,
    reversible=False,
    capacity=Capacity.TAKES,
)
