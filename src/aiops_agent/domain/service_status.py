"""How services are now, beside their usual."""

from datetime import datetime

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.telemetry import ServiceName, Signal, Window
from aiops_agent.domain.trouble import PlatformTrouble
from aiops_agent.domain.value import Value


class SignalNow(Value):
    """One signal now and as it usually is, in the signal's unit; None is not seen.

    `words` say how it deviates, "" when it does not.
    """

    signal: Signal
    now: float | None = None
    usual: float | None = None
    words: str = ""


class ServiceNow(Value):
    """One service now; `severity` is 0 when nothing deviates, and more is worse."""

    service: ServiceName
    signals: tuple[SignalNow, ...] = ()
    severity: float = 0.0

    @property
    def deviations(self) -> tuple[str, ...]:
        """What deviates, in words."""
        return tuple(one.words for one in self.signals if one.words)

    @property
    def seen(self) -> bool:
        """Whether what users feel of it is seen now: its latency or its errors."""
        felt = (self.signal(Signal.LATENCY), self.signal(Signal.ERRORS))
        return any(one.now is not None for one in felt)

    def signal(self, signal: Signal) -> SignalNow:
        """Return one signal, also one that is not seen."""
        found = (one for one in self.signals if one.signal is signal)
        return next(found, SignalNow(signal=signal))


class EnvironmentNow(Value):
    """The services of one environment, the worst first.

    `usual` is the time that now is compared with, `troubles` what the platform says by itself is
    wrong, the worst first. `left_out` counts services that were not read,
    `missing` says what could not be.
    """

    environment: EnvironmentRef
    at: datetime
    usual: Window
    services: tuple[ServiceNow, ...] = ()
    troubles: tuple[PlatformTrouble, ...] = ()
    left_out: int = 0
    missing: tuple[str, ...] = ()
