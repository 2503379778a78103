"""Where statistics and a model disagree about the cause, a person decides."""

from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.safety.assess import Case


def disagreement_asks(case: Case) -> Opinion | None:
    """Ask when a model names another cause, and when a model alone names one."""
    why = case.reasoned.needs_person if case.reasoned else ""
    return Opinion(rule="disagreement-asks", ruling=Ruling.ASK, reason=why) if why else None
