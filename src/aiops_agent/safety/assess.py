"""What does policy say? The strictest opinion wins; no opinion means: ask."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from aiops_agent.domain.approval import STRICTNESS, Opinion, Ruling, Verdict
from aiops_agent.domain.policy import Freeze, Mode
from aiops_agent.domain.reasoning import SecondOpinion
from aiops_agent.domain.remediation import PreparedPlan


@dataclass(frozen=True)
class Case:
    """A prepared plan before policy; `now` is the environment's time."""

    prepared: PreparedPlan
    mode: Mode
    now: datetime
    services: int  # how many services the environment has
    freezes: tuple[Freeze, ...] = ()
    reasoned: SecondOpinion | None = None  # what a model makes of the diagnosis behind the plan
    unalerted: bool = False  # the watch alone opened it, and no objective is broken
    dissent: tuple[str, ...] = ()  # what a model would do instead; it decides nothing


Rule: TypeAlias = Callable[[Case], Opinion | None]


def assess(case: Case, rules: Iterable[Rule], critic: Opinion | None = None) -> Verdict:
    """Return the strictest of all rules and of the critic, who can only make it stricter."""
    opinions = [opinion for rule in rules if (opinion := rule(case)) is not None]
    if not opinions:
        opinions.append(Opinion(rule="default", ruling=Ruling.ASK, reason="no rule allows it"))
    # A critic who has no objection allows nothing.
    if critic is not None and critic.ruling is not Ruling.ALLOW:
        opinions.append(critic)
    strictest = max(opinions, key=lambda opinion: STRICTNESS[opinion.ruling])
    beside = (*case.dissent, *(critic.said if critic else ()))
    return Verdict(
        ruling=strictest.ruling,
        reason=strictest.reason,
        opinions=tuple(opinions),
        beside=beside,
    )
