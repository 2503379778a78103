"""No changes while the calendar forbids them, such as restarts on Fridays."""

from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.safety.assess import Case


def change_freeze(case: Case) -> Opinion | None:
    """Deny a plan of which any action is frozen now."""
    for freeze in case.freezes:
        for step in case.prepared.steps:
            if freeze.covers(step.action.kind, case.now):
                reason = f"{step.action.kind}: {freeze.reason}"
                return Opinion(rule="change-freeze", ruling=Ruling.DENY, reason=reason)
    return None
