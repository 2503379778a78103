"""What somebody's monitoring told us, and which problem it names."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.value import Document, Value, digest

# Labels that tell replicas of one sender apart: two of them send one alert, not two.
REPLICA_LABELS = ("replica", "prometheus_replica", "thanos_ruler_replica", "__replica__")


class Severity(StrEnum):
    """How bad it is for users; SEV1 is the worst."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"


_CLAIMED = {
    "critical": Severity.SEV2,
    "page": Severity.SEV2,
    "error": Severity.SEV2,
    "high": Severity.SEV2,
    "major": Severity.SEV2,
    "info": Severity.SEV4,
    "none": Severity.SEV4,
}
CRITICAL = Severity.SEV2  # what its sender calls critical; it is not dismissed unheard


class AlertState(StrEnum):
    """What the sender says of one alert; never taken as proof of recovery."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Alert(Value):
    """One alert as received. All strings are untrusted data; links are http(s) or None.

    `received_at` is our own clock; `starts_at` is the sender's and may lie (1970, the future).
    """

    source: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    state: AlertState
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    received_at: datetime
    generator_url: str | None = None  # where the sender shows the rule's expression
    runbook: str | None = None

    @property
    def name(self) -> str:
        """The alert's name, or a stand-in when the sender gave none."""
        return self.labels.get("alertname") or "unnamed alert"

    @property
    def summary(self) -> str:
        """The sender's one-line text, if any."""
        return self.annotations.get("summary") or self.annotations.get("description") or self.name

    @property
    def claimed(self) -> Severity:
        """How bad its sender says it is; only telemetry makes a SEV1 of it."""
        return _CLAIMED.get(self.labels.get("severity", "").lower(), Severity.SEV3)

    def identity(self, replica_labels: Collection[str]) -> str:
        """Return the key: the same labels, less those of the sender's replicas, are one alert."""
        labels = {name: text for name, text in self.labels.items() if name not in replica_labels}
        return digest("alert/v1", [self.source, labels])[:32]


class AlertNews(StrEnum):
    """What an alert of a known incident brings."""

    JOINED = "joined"  # another alert of the same cause
    AGAIN = "again"
    RESOLVED = "resolved"  # says its sender; telemetry decides
    MUTED = "muted"  # silenced or inhibited where it comes from


SHORT_KEY = 8  # digits of a key that people read and type


class SenderAlert(Value):
    """An alert in a sender's own list of what fires; all of it is untrusted.

    `starts_at` is the sender's text of it. `muted` says why nobody is told of it there, "" when
    somebody is. `receivers` are those that it is routed to.
    """

    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: str = ""
    generator_url: str = ""
    receivers: tuple[str, ...] = ()
    muted: str = ""

    @property
    def sent(self) -> Document:
        """It as an alert of the webhook body that would have brought it."""
        return {
            "status": AlertState.FIRING,
            "labels": self.labels,
            "annotations": self.annotations,
            "startsAt": self.starts_at,
            "generatorURL": self.generator_url,
        }


class AlertGroup(Value):
    """What a sender says of the alerts that it sent together; untrusted as well."""

    group_labels: dict[str, str] = {}
    receiver: str = ""
    alertmanager_url: str | None = None


class IncidentAlert(Alert, AlertGroup):
    """An alert of an incident, as it was seen last, with what came with it.

    `since` (when it began to fire, as far as that can be believed) and `last_seen` are moments of
    the environment's clock.
    """

    key: str
    incident: str
    since: datetime
    last_seen: datetime
    service: str = ""  # of whom it was taken to speak when it was seen last
    kind: str = ""  # what that is: a remediation.TargetKind

    @property
    def brought(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What came with it, in the order in which it is told: a name, and the texts under it."""
        tables = {
            "labels": self.labels,
            "annotations": self.annotations,
            "group": self.group_labels,
        }
        links = {"rule": self.generator_url, "runbook": self.runbook}
        links |= {"alertmanager": self.alertmanager_url, "receiver": self.receiver}
        said = {n: tuple(f"{k}={v}" for k, v in sorted(of.items())) for n, of in tables.items()}
        said |= {name: (link,) for name, link in links.items() if link}
        return tuple((name, texts) for name, texts in said.items() if texts)


class AlertList(Value):
    """The first alerts of an incident, as they joined it, and how many it has in all."""

    shown: tuple[IncidentAlert, ...] = ()
    total: int = 0

    def told(self) -> Document:
        """Return the part of an incident's JSON that shows its alerts."""
        return {"alerts": [alert.document() for alert in self.shown], "alerts_total": self.total}


NO_ALERTS = AlertList()


class Backlog(Value):
    """How many bodies wait to be worked on, with how many alerts, and what nobody claims."""

    bodies: int = 0
    alerts: int = 0
    unclaimed: int = 0  # alerts


class Progress(Value):
    """How much of a long body is handled: it is taken a portion at a time, `lead` first.

    Places are those of its alerts in the body.
    """

    done: int = 0  # alerts
    lead: int = 0  # the place of the alert that stands for the body, once one is done
    joined: str = ""  # the incident that it began with: takes what cannot be told apart any more
    apart: int = 0  # incidents that it opened


NONE_DONE = Progress()


class Delivery(Value):
    """One body that was received, durably kept. `digest` is the SHA-256 of its bytes.

    `rejected` holds the reason when the body will never be accepted; then there are no alerts.
    `unclaimed` says why no environment took its alerts. `truncated` counts alerts that the sender
    left out: their state is unknown, never resolved. A body of very many alerts is kept in parts,
    of which only the first, number 0, has the text.
    """

    id: int = 0
    source: str
    environment: EnvironmentRef | None = None  # None: claimed by nobody, see `unclaimed`
    digest: str
    body: str
    alerts: tuple[Alert, ...] = ()
    group: AlertGroup = AlertGroup()
    truncated: int = 0
    rejected: str = ""
    unclaimed: str = ""
    received_at: datetime
    seen: int = 1
    part: int = 0
    progress: Progress = NONE_DONE
