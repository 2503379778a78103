"""What the watch sees without an alert: signals worse than usual, what a platform says is wrong."""

from datetime import datetime, timedelta
from enum import StrEnum

from aiops_agent.domain.quantity import amount, signal_name
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.domain.trouble import PlatformTrouble, TroubleKind
from aiops_agent.domain.value import Value

SEEN_BY_WATCH = "seen by the watch"  # in every title of what it opened
WATCH = "watch"  # the source of an alert that no sender sent
MOST_OPENED = 5  # incidents a day and environment; whatever more it notices is one digest
PLATFORM_TROUBLE = "PlatformTrouble"  # the alert's name, where a platform itself says it
DAY = timedelta(days=1)  # over which what was opened is counted


class WatchMode(StrEnum):
    """What becomes of what the watch notices."""

    NONE = "none"  # nobody looks
    LIST = "list"  # it is shown, and opens nothing
    OPEN = "open"  # what people feel opens an incident


class Noticed(Value):
    """Something that is noticed of a service. Moments are the environment's.

    `alert` is the key of the alert that tells of it, "" while none does, and `incident` the one
    that it belongs to.
    """

    service: ServiceName
    since: datetime
    seen: datetime  # when it was last so
    alert: str = ""
    incident: str = ""

    @property
    def about(self) -> ServiceName:
        """Under which name its incident is looked for."""
        return self.service


class Unusual(Noticed):
    """A golden signal of a service that is worse than usual, beyond `level`, in its own unit.

    `broken` says that the level is an objective, `hurts` that people feel it.
    """

    signal: Signal
    value: float
    usual: float
    level: float
    broken: bool = False
    hurts: bool = False

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


class Ailing(Noticed):
    """A workload, or another object, of which its platform says that it does not work.

    Of all that is wrong with it the first that is told stands for the rest. `since` is when the
    watch first saw it so. `blind` is what of the platform could not be read then: who sees less
    cannot say that it is over.
    """

    subject: str  # the object that says it
    kind: TroubleKind
    words: str  # untrusted
    step: str
    node: str = ""  # the machine that it is, where it is one
    blind: tuple[str, ...] = ()

    @classmethod
    def told(cls, one: PlatformTrouble, at: datetime, blind: tuple[str, ...]) -> "Ailing":
        """Return a trouble as it is seen at a moment."""
        return cls(
            service=one.service,
            since=at,
            seen=at,
            subject=one.subject,
            kind=one.kind,
            words=one.words,
            step=one.step,
            node=one.name if one.what == "Node" else "",
            blind=blind,
        )

    @property
    def key(self) -> str:
        """What it is about: one workload, whatever its pods are called."""
        return self.service or self.subject

    @property
    def about(self) -> ServiceName:
        """Under which name its incident is looked for."""
        return self.service or ServiceName(self.node or self.subject)


class WatchRecord(Value):
    """One environment as the watch saw it last, durable: what a status shows of it.

    `asked_at` is when its platform was last asked what is wrong, None where it never is; `untold`
    says why nothing is known of that since then, `blind` what of it cannot be read, and `left_out`
    how many more things are wrong than are listed. `opened` are the moments at which it opened an
    incident, of the last day; `digest` is when it last said that there was more than it may open.
    """

    looked_at: datetime
    mode: WatchMode
    services: int = 0  # that it looks at
    why: str = ""  # nothing was seen since then; "" when it was
    unusual: tuple[Unusual, ...] = ()
    opened: tuple[datetime, ...] = ()
    digest: datetime | None = None
    digest_of: str = ""  # the incident that is the digest
    platform: WatchMode = WatchMode.NONE
    asked_at: datetime | None = None
    untold: str = ""
    blind: tuple[str, ...] = ()
    ailing: tuple[Ailing, ...] = ()
    left_out: int = 0

    def lately(self, at: datetime) -> tuple[datetime, ...]:
        """Return when it opened incidents within the last day."""
        return tuple(one for one in self.opened if at - one < DAY)

    def left(self, at: datetime) -> int:
        """Return how many incidents it may open yet."""
        return max(0, MOST_OPENED - len(self.lately(at)))
