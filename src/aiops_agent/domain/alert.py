"""What somebody's monitoring told us, and which problem it names."""

from datetime import datetime
from enum import StrEnum

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.value import Value, digest


class Severity(StrEnum):
    """How bad it is for users; SEV1 is the worst."""

    SEV1 = "sev1"
    SEV2 = "sev2"
    SEV3 = "sev3"
    SEV4 = "sev4"


class AlertState(StrEnum):
    """What the sender says of one alert; never taken as proof of recovery."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Alert(Value):
    """One alert as received. All strings are untrusted data.

    `received_at` is our own clock; `starts_at` is the sender's and may lie (1970, the future).
    """

    source: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    state: AlertState
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    received_at: datetime
    url: str | None = None

    @property
    def name(self) -> str:
        """The alert's name, or a stand-in when the sender gave none."""
        return self.labels.get("alertname") or "unnamed alert"

    @property
    def summary(self) -> str:
        """The sender's one-line text, if any."""
        return self.annotations.get("summary") or self.annotations.get("description") or self.name

    @property
    def key(self) -> str:
        """Identity of the series that alerts: the same labels are the same alert."""
        return digest("alert/v1", [self.source, self.labels])[:32]


class Delivery(Value):
    """One body that was received, durably kept. `digest` is the SHA-256 of its bytes.

    `rejected` holds the reason when the body will never be accepted; then there are no alerts.
    `truncated` counts alerts that the sender left out: their state is unknown, never resolved.
    """

    id: int = 0
    source: str
    environment: EnvironmentRef
    digest: str
    body: str
    alerts: tuple[Alert, ...] = ()
    truncated: int = 0
    rejected: str = ""
    received_at: datetime
    seen: int = 1
