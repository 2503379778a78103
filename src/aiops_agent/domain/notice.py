"""What a person must know now: four occasions, no more."""

from datetime import datetime
from enum import StrEnum

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.value import Value


class Occasion(StrEnum):
    """When somebody is told."""

    APPROVAL_NEEDED = "approval_needed"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    ESCALATED = "escalated"


class Notice(Value):
    """One message. `key` is unique: a receiver may use it to drop a repeat."""

    key: str
    occasion: Occasion
    incident: str
    environment: EnvironmentRef
    title: str
    text: str
    severity: str
    digest: str = ""  # of the plan that waits, if one does
    expires_at: datetime | None = None
    at: datetime
