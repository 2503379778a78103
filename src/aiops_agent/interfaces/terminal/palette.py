"""Inks and words of the screen; a colour always comes with a sign or a word."""

from aiops_agent.domain.event import Phase
from aiops_agent.domain.incident import Status
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.remediation import Recovery, Risk

GOOD, BAD, WARN = "green", "bold red", "yellow"
QUIET, STRONG, LINK = "dim", "bold", "cyan"

PHASE_INK = {
    Phase.ALERT: "bold red",
    Phase.TRIAGE: "cyan",
    Phase.DIAGNOSE: "bold yellow",
    Phase.PLAN: "magenta",
    Phase.REVIEW: "magenta",
    Phase.APPROVE: "bold yellow",
    Phase.ACT: "bold magenta",
    Phase.VERIFY: "green",
    Phase.REPORT: "cyan",
}
EVENT_INK = {
    EventType.INCIDENT_RESOLVED: "bold green",
    EventType.INCIDENT_DISMISSED: "bold green",
    EventType.INCIDENT_ESCALATED: "bold red",
    EventType.APPROVAL_PENDING: "bold",
    EventType.APPROVAL_REFUSED: "red",
    EventType.APPROVAL_ENDED: "yellow",
    EventType.DIAGNOSIS_READY: "bold",
    EventType.VERIFICATION_SAMPLE: "dim",
}
RISK_INK = {Risk.LOW: GOOD, Risk.MEDIUM: WARN, Risk.HIGH: BAD}

RECOVERY_MARK = {
    Recovery.RECOVERED: ("✓", GOOD),
    Recovery.NOT_RECOVERED: ("✗", BAD),
    Recovery.WORSE: ("✗", BAD),
    Recovery.INCONCLUSIVE: ("?", WARN),
}
STATUS_MARK = {
    Status.RESOLVED: ("✓", GOOD),
    Status.DISMISSED: ("✓", GOOD),
    Status.ESCALATED: ("!", BAD),
    Status.AWAITING_APPROVAL: ("?", WARN),
}


def words(value: str) -> str:
    """Return an enum's value as plain words: `not_recovered` reads "not recovered"."""
    return value.replace("_", " ")
