"""What a person must know now: few occasions, no more."""

from datetime import datetime
from enum import StrEnum

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.remediation import Risk
from aiops_agent.domain.value import Value


class Occasion(StrEnum):
    """When somebody is told."""

    APPROVAL_NEEDED = "approval_needed"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    ESCALATED = "escalated"
    TROUBLE = "trouble"  # the agent itself does not work; of no incident


class Link(Value):
    """An http(s) address that an alert brought; untrusted."""

    name: str  # "rule", "runbook" or "alertmanager"
    url: str


class Notice(Value):
    """One message, in parts: each channel makes its own text of them.

    `key` is unique: a receiver may use it to drop a repeat. `plan`, `expires_at` and what would be
    done are set when an answer is waited for; `action` is also set when something was done.
    """

    key: str
    occasion: Occasion
    incident: str
    environment: EnvironmentRef
    severity: Severity
    title: str
    what: str  # one sentence: what happened
    action: str = ""
    risk: Risk | None = None
    undo: str = ""
    plan: str = ""  # digest
    expires_at: datetime | None = None
    labels: dict[str, str] = {}  # of the incident's first alert; untrusted
    links: tuple[Link, ...] = ()
    at: datetime


class Receipt(Value):
    """That a channel took a notice; `id` finds the message there."""

    channel: str
    id: str
    at: datetime
