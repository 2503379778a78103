"""Who answers the six questions: with a language model or, as here, without one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.critique import critique
from aiops_agent.agents.diagnose import diagnose
from aiops_agent.agents.plan import plan
from aiops_agent.agents.report import report
from aiops_agent.agents.triage import triage
from aiops_agent.agents.verify import verify
from aiops_agent.domain.approval import Opinion
from aiops_agent.domain.diagnosis import Diagnosis, Triage
from aiops_agent.domain.event import Event
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.remediation import Criterion, Plan, PreparedPlan, Verification


@dataclass(frozen=True)
class Crew:
    """Six async functions; each may raise SourceError when telemetry does not answer."""

    triage: Callable[[Briefing], Awaitable[Triage]]
    diagnose: Callable[[Briefing], Awaitable[Diagnosis]]
    plan: Callable[[Briefing, Diagnosis], Awaitable[Plan]]
    critique: Callable[[Briefing, PreparedPlan], Awaitable[Opinion | None]]
    verify: Callable[[Briefing, tuple[Criterion, ...], datetime], Awaitable[Verification]]
    report: Callable[[Briefing, tuple[Event, ...]], Awaitable[Postmortem]]


def without_llm() -> Crew:
    """Return the crew that reasons by arithmetic alone."""
    return Crew(
        triage=triage,
        diagnose=diagnose,
        plan=plan,
        critique=critique,
        verify=verify,
        report=report,
    )
