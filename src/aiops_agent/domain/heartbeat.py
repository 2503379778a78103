"""An alert that fires always, so that its silence tells that alerts no longer arrive."""

from datetime import datetime, timedelta

from aiops_agent.domain.value import Value


class Heartbeat(Value):
    """A deadman's alert as it was heard last, by the environment's clock.

    `incident` was opened because it fell silent; "" while it is heard. `pause` is the longest
    time between two of its firings: a sender that repeats every hour is not silent after ten
    minutes.
    """

    key: str
    name: str
    labels: dict[str, str] = {}
    heard: datetime
    pause: timedelta = timedelta()
    incident: str = ""

    def again(self, at: datetime) -> "Heartbeat":
        """Return it heard once more; the pause over an outage is none of its usual ones."""
        pause = self.pause if self.incident else max(self.pause, at - self.heard)
        return self.model_copy(update={"heard": at, "pause": pause, "incident": ""})

    def silent(self, at: datetime, after: timedelta) -> bool:
        """Whether it has not been heard for so long, or for two of its own pauses."""
        return not self.incident and at - self.heard >= max(after, 2 * self.pause)
