"""What could be found of each service: which series, who calls it, where its logs are."""

from typing import Self

from aiops_agent.domain.telemetry import (
    GOLDEN,
    Service,
    ServiceGraph,
    ServiceKind,
    ServiceName,
    Signal,
)
from aiops_agent.domain.value import Value


class Instances(Value):
    """A running service and every name by which one of its replicas may be known.

    `aliases` are container names, ids, host names and addresses (without ports).
    """

    service: ServiceName
    aliases: tuple[str, ...] = ()


class SignalSource(Value):
    """Where one signal comes from; `query` is fit to be pasted into the vendor's page."""

    signal: Signal
    recipe: str
    query: str


class ServiceSurvey(Value):
    """One service as found. Empty `logs` or `changes` means that nobody tells them."""

    service: ServiceName
    replicas: int | None = None
    signals: tuple[SignalSource, ...] = ()
    callers: tuple[ServiceName, ...] = ()
    callees: tuple[ServiceName, ...] = ()
    logs: str = ""
    changes: str = ""
    missing: tuple[str, ...] = ()

    @classmethod
    def joined(
        cls, graph: ServiceGraph, service: Service, signals: tuple[SignalSource, ...], teller: str
    ) -> Self:
        """Return the survey of one service; `teller` names who tells its logs and changes."""
        seen = {one.signal for one in signals}
        callers, callees = graph.callers(service.name), graph.callees(service.name)
        missing = [str(signal) for signal in GOLDEN if signal not in seen]
        missing += [] if callers or callees else ["who calls whom"]
        missing += [] if teller else ["logs", "changes"]
        return cls(
            service=service.name,
            replicas=service.replicas,
            signals=signals,
            callers=callers,
            callees=callees,
            logs=teller,
            changes=teller,
            missing=() if service.kind is ServiceKind.EXTERNAL else tuple(missing),
        )

    @property
    def blind(self) -> bool:
        """Whether it has neither a latency nor an error signal, so that no fix can be verified."""
        seen = {source.signal for source in self.signals}
        return not seen & {Signal.LATENCY, Signal.ERRORS}
