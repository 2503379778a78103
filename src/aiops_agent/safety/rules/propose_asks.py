"""In mode `propose` every action needs a person."""

from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.domain.policy import Mode
from aiops_agent.safety.assess import Case


def propose_asks(case: Case) -> Opinion | None:
    """Ask for everything in mode propose; deny everything in mode observe."""
    if case.mode is Mode.OBSERVE:
        reason = "mode observe: nothing is changed"
        return Opinion(rule="observe-only", ruling=Ruling.DENY, reason=reason)
    if case.mode is Mode.PROPOSE:
        reason = "mode propose: a person decides"
        return Opinion(rule="propose-asks", ruling=Ruling.ASK, reason=reason)
    return None
