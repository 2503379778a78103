"""A risky action needs a human; a small one that can be taken back does not, in mode `act`."""

from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.remediation import Risk
from aiops_agent.safety.assess import Case


def risky_needs_human(case: Case) -> Opinion | None:
    """Ask when any step is above low risk or has no way back; allow the rest in mode act."""
    steps = case.prepared.steps
    risky = [step for step in steps if step.risk is not Risk.LOW or step.inverse is None]
    if risky:
        step = risky[0]
        why = "no way back" if step.inverse is None else f"risk {step.risk}, {step.hazard}"
        reason = f"{step.action.text}: {why}"
        return Opinion(rule="risky-needs-human", ruling=Ruling.ASK, reason=reason)
    if case.mode is Mode.ACT and steps:
        reason = "low risk, and it can be taken back"
        return Opinion(rule="small-and-reversible", ruling=Ruling.ALLOW, reason=reason)
    return None
