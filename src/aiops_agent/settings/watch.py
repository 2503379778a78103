"""What becomes of what the watch notices."""

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.value import Value
from aiops_agent.domain.watch import WatchMode


class WatchSettings(Value):
    """What becomes of what is noticed without an alert.

    `signals` are golden signals worse than usual, `kubernetes` what a cluster itself says is wrong.
    """

    signals: WatchMode = WatchMode.LIST
    kubernetes: WatchMode = WatchMode.LIST

    def mode(self, ref: EnvironmentRef) -> WatchMode:
        """Return what holds for the signals of an environment: a shop is there to be watched."""
        unset = "signals" not in self.model_fields_set
        return WatchMode.OPEN if ref.simulated and unset else self.signals
