"""What becomes of what the watch notices."""

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.value import Value
from aiops_agent.domain.watch import WatchMode


class WatchSettings(Value):
    """What becomes of golden signals that are worse than usual without an alert."""

    signals: WatchMode = WatchMode.LIST

    def mode(self, ref: EnvironmentRef) -> WatchMode:
        """Return what holds in an environment: a shop is there to be watched."""
        unset = "signals" not in self.model_fields_set
        return WatchMode.OPEN if ref.simulated and unset else self.signals
