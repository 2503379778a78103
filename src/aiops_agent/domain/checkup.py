"""What `aiops doctor` looked at, and what it thinks of it."""

from enum import StrEnum

from aiops_agent.domain.value import Value


class Health(StrEnum):
    """How one thing is. Only a problem makes the doctor fail."""

    OK = "ok"
    NOTE = "note"  # fine, but worth knowing
    PROBLEM = "problem"
    OFF = "off"  # not configured: nothing to fix


class Checkup(Value):
    """One thing looked at: "metrics", "prometheus", how it is, in words, and what would mend it."""

    group: str
    name: str
    health: Health
    words: str
    remedy: str = ""
    unusable: bool = False  # a problem of the configuration itself
