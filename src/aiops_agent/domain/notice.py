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
    DISMISSED = "dismissed"  # although its sender called it critical
    FIRES_AGAIN = "fires_again"  # soon after an end
    TROUBLE = "trouble"  # the agent itself does not work; of no incident
    DIGEST = "digest"  # many notices in one; of no incident


class Link(Value):
    """An http(s) address that an alert brought; untrusted."""

    name: str  # "rule", "runbook" or "alertmanager"
    url: str


class NoticeLine(Value):
    """One of the notices that a digest stands for; `approve` is the command that says yes."""

    key: str
    occasion: Occasion
    incident: str
    environment: EnvironmentRef
    severity: Severity
    title: str
    plan: str = ""
    expires_at: datetime | None = None
    approve: str = ""


class Notice(Value):
    """One message, in parts: each channel makes its own text of them.

    `key` is unique: the same one may come again after a crash or a silence, and a receiver drops
    it. `plan`, `expires_at`, what would be done and the commands are set when an answer is waited
    for; `action` is also set when something was done. Commands are quoted for a shell.
    """

    key: str
    occasion: Occasion
    incident: str
    environment: EnvironmentRef
    severity: Severity
    title: str
    services: tuple[str, ...] = ()  # the subject, those acted on, then all whose signals moved
    what: str  # one sentence: what happened
    action: str = ""
    risk: Risk | None = None
    undo: str = ""
    plan: str = ""  # digest
    expires_at: datetime | None = None
    approve: str = ""  # the command that says yes
    reject: str = ""  # the command that says no
    show: str = ""  # the command that shows all of it
    digest: tuple[NoticeLine, ...] = ()  # the first of many, questions first
    left_out: int = 0  # more of them than the digest lists
    labels: dict[str, str] = {}  # of the incident's first alert; untrusted
    links: tuple[Link, ...] = ()
    at: datetime


class Receipt(Value):
    """That a channel took a notice; `id` finds the message there."""

    channel: str
    id: str
    at: datetime
