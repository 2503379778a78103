"""Exit codes: what a script may conclude from how a command ended."""

from enum import IntEnum

from aiops_agent.domain.errors import AiopsError, ApprovalError, SettingsError, UsageError
from aiops_agent.domain.incident import Ending, Incident


class Exit(IntEnum):
    """The closed set; 2 is also given by the parser for wrong options."""

    DONE = 0  # done; for an incident: verified, healed by itself, or rightly dismissed
    OURS = 1  # an error of ours, or of what we need to work
    USAGE = 2  # something named does not exist
    PROBLEMS = 3  # the doctor found problems
    SETTINGS = 4  # the configuration cannot be used
    REFUSED = 5  # rejected, denied, expired or handed over: nothing was changed
    NOT_VERIFIED = 6  # something was run, and telemetry does not say that it helped
    CUT_SHORT = 7  # its attempts or seconds were used up; the report is partial
    WAITING = 8  # a person must decide
    INTERRUPTED = 130


_GOOD = (Ending.FIXED, Ending.HEALED, Ending.DISMISSED, Ending.MERGED)


def exit_of(incident: Incident) -> Exit:
    """Return the code of an incident that has ended, or WAITING."""
    if not incident.ended:
        return Exit.WAITING
    if incident.ending in _GOOD:
        return Exit.DONE
    if incident.cut_short:
        return Exit.CUT_SHORT
    return Exit.NOT_VERIFIED if incident.acted else Exit.REFUSED


def exit_for(error: AiopsError) -> Exit:
    """Return the code of an error."""
    if isinstance(error, UsageError):
        return Exit.USAGE
    if isinstance(error, SettingsError):
        return Exit.SETTINGS
    return Exit.REFUSED if isinstance(error, ApprovalError) else Exit.OURS
