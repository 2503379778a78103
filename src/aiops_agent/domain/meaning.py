"""What an alert means: of whom it speaks, what it claims, and what could contradict it."""

from enum import StrEnum

from aiops_agent.domain.remediation import TargetKind
from aiops_agent.domain.telemetry import AlertRule, Signal
from aiops_agent.domain.value import Value


class AlertClaim(StrEnum):
    """What an alert says is wrong."""

    LATENCY = "latency"
    ERRORS = "errors"
    TRAFFIC = "traffic"
    SATURATION = "saturation"
    MEMORY = "memory"
    AVAILABILITY = "availability"
    RESTARTS = "restarts"
    QUEUE = "queue"
    DISK = "disk"
    CERTIFICATE = "certificate"  # anything that expires
    JOB_FAILED = "job_failed"
    REPLICATION = "replication"
    QUOTA = "quota"
    CLOCK = "clock"
    CONFIG = "config"
    MONITORING = "monitoring"  # monitoring itself is blind or broken
    DEADMAN = "deadman"  # it fires always; its silence is the alarm
    COST = "cost"
    OTHER = "other"


class ClaimSource(StrEnum):
    """Where a claim was read, the most reliable first."""

    EXPRESSION = "expression"
    LABELS = "labels"
    WORDS = "words"
    NOWHERE = "nowhere"


class AlertSubject(Value):
    """Of what an alert speaks: its own name, and the service that it belongs to where it is told.

    Both are "" where the alert does not say.
    """

    kind: TargetKind = TargetKind.UNKNOWN
    name: str = ""
    owner: str = ""

    @property
    def service(self) -> str:
        """The name under which its signals would be found; "" for none."""
        return self.owner or self.name


class Refuter(Value):
    """A signal that could contradict a claim, and over how many seconds it must be fine.

    With `none` it must be zero all the time: then no part of the service has any of it either.
    `below` is the alert's own limit, where that is an objective: the mean must stay under it.
    With `one` the alert is about one instance: the signal of many says nothing of it.
    """

    signal: Signal
    window: float = 0.0
    none: bool = False
    below: float | None = None
    one: bool = False


class OwnValue(Value):
    """What the value of an alert's own rule is: a signal's, in its unit once it is scaled.

    It tells of the very quantile, route or instance that the alert is about.
    """

    rule: AlertRule
    signal: Signal
    scale: float = 1.0


class AlertMeaning(Value):
    """What was read of one alert; a claim of None cannot be contradicted by anything.

    `measures` is its expression where a signal that reads the very same series could contradict
    it too, and `alike` how; `own` where the value of its own rule could.
    """

    subject: AlertSubject = AlertSubject()
    claim: AlertClaim | None = None
    source: ClaimSource = ClaimSource.NOWHERE
    refuters: tuple[Refuter, ...] = ()
    why: str = ""  # why nothing can contradict it, where nothing can
    measures: str = ""
    alike: tuple[Refuter, ...] = ()
    own: OwnValue | None = None
