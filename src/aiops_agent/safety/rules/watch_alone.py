"""What the watch alone has noticed is looked into and shown; it is no reason to change anything."""

from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.safety.assess import Case


def watch_alone(case: Case) -> Opinion | None:
    """Deny every plan where no alert fires and no objective is broken."""
    if not case.unalerted:
        return None
    reason = "the watch opened it: no alert fires and no objective is broken"
    return Opinion(rule="watch-alone", ruling=Ruling.DENY, reason=reason)
