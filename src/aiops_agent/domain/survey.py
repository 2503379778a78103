"""What could be found of each service: which series, who calls it, where its logs are."""

from aiops_agent.domain.telemetry import ServiceName, Signal
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

    @property
    def blind(self) -> bool:
        """Whether it has neither a latency nor an error signal, so that no fix can be verified."""
        seen = {source.signal for source in self.signals}
        return not seen & {Signal.LATENCY, Signal.ERRORS}
