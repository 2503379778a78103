"""Who answers the six questions: arithmetic, and beside it a language model if there is one."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar

from aiops_agent.agents.ask import CheckedAnswer, ask
from aiops_agent.agents.asking import Desk
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.critique import critique, object_to
from aiops_agent.agents.diagnose import diagnose, reason
from aiops_agent.agents.plan import choose, plan
from aiops_agent.agents.report import report
from aiops_agent.agents.report_story import narrate
from aiops_agent.agents.strange import triage_or_leave
from aiops_agent.agents.triage import look_closer
from aiops_agent.agents.verify import doubt, verify
from aiops_agent.domain.answer import STATISTICS, Answer, Effort
from aiops_agent.domain.approval import Opinion
from aiops_agent.domain.diagnosis import Diagnosis, Triage
from aiops_agent.domain.errors import PlatformError, SourceError
from aiops_agent.domain.event import Event
from aiops_agent.domain.inquiry import CitedFact
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.reasoning import PlanPick, SecondOpinion
from aiops_agent.domain.remediation import Criterion, Plan, PreparedPlan, Verification

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Crew:
    """Async functions; an answer says who gave it, or why there is none."""

    triage: Callable[[Briefing], Awaitable[Answer[Triage]]]
    diagnose: Callable[[Briefing], Awaitable[Answer[Diagnosis]]]
    plan: Callable[[Briefing, Diagnosis], Awaitable[Answer[Plan]]]
    critique: Callable[[Briefing, PreparedPlan], Awaitable[Answer[Opinion | None]]]
    verify: Callable[[Briefing, tuple[Criterion, ...], datetime], Awaitable[Answer[Verification]]]
    report: Callable[[Briefing, tuple[Event, ...]], Awaitable[Answer[Postmortem]]]
    # What a model makes of a diagnosis that is already told; None: there is no model.
    reason: Callable[[Briefing, Diagnosis], Awaitable[Answer[SecondOpinion]]] | None = None
    # What a person wants to know of an incident.
    ask: (
        Callable[
            [Briefing, str, tuple[CitedFact, ...], Sequence[str]], Awaitable[Answer[CheckedAnswer]]
        ]
        | None
    ) = None
    # What a model would do instead of a plan that is already told.
    choose: Callable[[Briefing, Plan], Awaitable[Answer[PlanPick]]] | None = None


def without_llm() -> Crew:
    """Return the crew that reasons by arithmetic alone."""
    return Crew(
        triage=by_statistics(triage_or_leave),
        diagnose=by_statistics(diagnose),
        plan=by_statistics(plan),
        critique=by_statistics(critique),
        verify=by_statistics(verify),
        report=by_statistics(report),
    )


def with_models(desk: Desk, alone: Crew | None = None) -> Crew:
    """Return the crew in which a model reasons beside arithmetic, which answers first."""
    alone = alone or without_llm()

    async def critique_too(briefing: Briefing, prepared: PreparedPlan) -> Answer[Opinion | None]:
        first = await alone.critique(briefing, prepared)
        return await object_to(desk, briefing, prepared, first)

    async def triage_too(briefing: Briefing) -> Answer[Triage]:
        return await look_closer(desk, briefing, await alone.triage(briefing))

    async def verify_too(
        briefing: Briefing, criteria: tuple[Criterion, ...], since: datetime
    ) -> Answer[Verification]:
        first = await alone.verify(briefing, criteria, since)
        return await doubt(desk, briefing, criteria, first)

    async def report_too(briefing: Briefing, events: tuple[Event, ...]) -> Answer[Postmortem]:
        story = await narrate(desk, briefing, events)
        made = await by_statistics(report)(briefing, events, story.value)
        effort = made.effort.joined(story.effort, story.missing)
        return Answer(value=made.value, missing=made.missing, effort=effort)

    return Crew(
        triage=triage_too,
        diagnose=alone.diagnose,
        plan=alone.plan,
        critique=critique_too,
        verify=verify_too,
        report=report_too,
        reason=partial(reason, desk),
        choose=partial(choose, desk),
        ask=partial(ask, desk),
    )


def by_statistics(ask: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[Answer[T]]]:
    """Return the same question, answered in the name of statistics and with the time it took."""

    async def answer(*args: P.args, **kwargs: P.kwargs) -> Answer[T]:
        began = time.perf_counter()
        value, missing = None, ""
        try:
            value = await ask(*args, **kwargs)
        except (SourceError, PlatformError) as error:
            missing = str(error)
        effort = Effort(by=STATISTICS, took=time.perf_counter() - began)
        return Answer(value=value, missing=missing, effort=effort)

    return answer
