"""What the watch sees without an alert: signals that are worse than usual, and what it opened."""

from datetime import datetime, timedelta
from enum import StrEnum

from aiops_agent.domain.quantity import amount, signal_name
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.domain.value import Value

SEEN_BY_WATCH = "seen by the watch"  # in every title of what it opened
WATCH = "watch"  # the source of an alert that no sender sent
MOST_OPENED = 5  # incidents a day and environment; whatever more it notices is one digest
DAY = timedelta(days=1)  # over which what was opened is counted


class WatchMode(StrEnum):
    """What becomes of what the watch notices."""

    NONE = "none"  # nobody looks
    LIST = "list"  # it is shown, and opens nothing
    OPEN = "open"  # what people feel opens an incident


class Unusual(Value):
    """A golden signal of a service that is worse than usual, beyond `level`, in its own unit.

    Moments are the environment's. `broken` says that the level is an objective, `hurts` that
    people feel it. `alert` is the key of the alert that tells of it, "" while none does, and
    `incident` the one that it belongs to.
    """

    service: ServiceName
    signal: Signal
    since: datetime
    seen: datetime  # when it was last beyond the level
    value: float
    usual: float
    level: float
    broken: bool = False
    hurts: bool = False
    alert: str = ""
    incident: str = ""

    @property
    def key(self) -> tuple[ServiceName, Signal]:
        """What it is about."""
        return self.service, self.signal

    @property
    def words(self) -> str:
        """How it is, how it usually is, and what is promised."""
        now, usual = amount(self.signal, self.value), amount(self.signal, self.usual)
        promise = f", at most {amount(self.signal, self.level)} is promised" if self.broken else ""
        return f"{signal_name(self.signal)} is {now}, usually {usual}{promise}"

    def fell(self, value: float) -> bool:
        """Whether a value lies beyond the level, on the side that is bad."""
        return value < self.level if self.signal is Signal.TRAFFIC else value > self.level


class WatchRecord(Value):
    """One environment as the watch saw it last, durable: what a status shows of it.

    `opened` are the moments at which it opened an incident, of the last day; `digest` is when it
    last said that there was more than it may open.
    """

    looked_at: datetime
    mode: WatchMode
    services: int = 0  # that it looks at
    why: str = ""  # nothing was seen since then; "" when it was
    unusual: tuple[Unusual, ...] = ()
    opened: tuple[datetime, ...] = ()
    digest: datetime | None = None
    digest_of: str = ""  # the incident that is the digest

    def lately(self, at: datetime) -> tuple[datetime, ...]:
        """Return when it opened incidents within the last day."""
        return tuple(one for one in self.opened if at - one < DAY)

    def left(self, at: datetime) -> int:
        """Return how many incidents it may open yet."""
        return max(0, MOST_OPENED - len(self.lately(at)))
