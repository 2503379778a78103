"""What a rule may look at."""

from dataclasses import dataclass
from datetime import datetime

from aiops_agent.domain.policy import Freeze, Mode
from aiops_agent.domain.remediation import PreparedPlan


@dataclass(frozen=True)
class Case:
    """A prepared plan before policy; `now` is the environment's time."""

    prepared: PreparedPlan
    mode: Mode
    now: datetime
    services: int  # how many services the environment has
    freezes: tuple[Freeze, ...] = ()
