"""What people wrote down about a service, where finding it by itself is not enough."""

from enum import StrEnum

from aiops_agent.domain.telemetry import Objective, ServiceKind, ServiceName, Signal
from aiops_agent.domain.value import Value


class SeriesKind(StrEnum):
    """How the declared series is to be read."""

    HISTOGRAM = "histogram"  # the 95th percentile of a `..._bucket` series
    COUNTER = "counter"  # the rate per second
    GAUGE = "gauge"  # the value as it is; replicas are averaged


class DeclaredSignal(Value):
    """One series named by a person. The value read is multiplied by `scale`.

    `whole` names the series of which this one is a share ("connections_max" for a pool); `labels`
    must all match.
    """

    metric: str
    kind: SeriesKind = SeriesKind.GAUGE
    labels: dict[str, str] = {}
    whole: str = ""
    scale: float = 1.0


class Match(Value):
    """Labels that all of a service's series carry."""

    labels: dict[str, str] = {}


class Declaration(Value):
    """What is known of one service beforehand; it wins over what is found."""

    match: Match = Match()
    signals: dict[Signal, DeclaredSignal] = {}
    calls: tuple[ServiceName, ...] = ()
    kind: ServiceKind | None = None
    owner: str = ""
    objective: Objective = Objective()


Declarations = dict[ServiceName, Declaration]
