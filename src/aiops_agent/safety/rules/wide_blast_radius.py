"""A plan that touches too much needs a human, or is not done at all."""

from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.safety.assess import Case

MANY_TARGETS = 3  # more targets than this at once is no remediation any more


def wide_blast_radius(case: Case) -> Opinion | None:
    """Deny plans with more than three targets; ask when half of all services are in reach."""
    targets = {step.action.target for step in case.prepared.steps}
    if len(targets) > MANY_TARGETS:
        reason = f"{len(targets)} services would be changed at once, at most {MANY_TARGETS} may"
        return Opinion(rule="wide-blast-radius", ruling=Ruling.DENY, reason=reason)
    reach = {name for step in case.prepared.steps for name in step.blast.services}
    if case.services and len(reach) * 2 > case.services:
        reason = f"{len(reach)} of {case.services} services are in reach"
        return Opinion(rule="wide-blast-radius", ruling=Ruling.ASK, reason=reason)
    return None
