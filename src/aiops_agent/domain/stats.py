"""What many incidents add up to: how they ended, how long it took, who did what at what cost."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from aiops_agent.domain.answer import Usage
from aiops_agent.domain.event import Event
from aiops_agent.domain.model import ModelCall
from aiops_agent.domain.payload import (
    ApprovalDecided,
    EventType,
    IncidentDismissed,
    IncidentEscalated,
    IncidentResolved,
)
from aiops_agent.domain.timing import by_agent, usage_of, usage_of_calls
from aiops_agent.domain.value import Value

OPEN = "open"  # instead of an ending


class Spread(Value):
    """Measured lengths in seconds: how many, the middle one, and one that 9 of 10 do not pass."""

    count: int
    median: float
    p90: float


class Share(Value):
    """What one agent or one model did; `failed` requests are among those of the usage."""

    name: str
    usage: Usage = Usage()
    failed: int = 0
    seconds: float = 0.0

    def plus(self, usage: Usage, seconds: float, failed: int = 0) -> "Share":
        """Return the sum."""
        return Share(
            name=self.name,
            usage=self.usage + usage,
            failed=self.failed + failed,
            seconds=self.seconds + seconds,
        )


class Stats(Value):
    """The sums. The time to the end is of the environment's clock, the others of the wall's.

    `endings` counts by ending, and as "open" what has none yet.
    """

    since: datetime | None
    incidents: int
    endings: dict[str, int]
    to_plan: Spread | None
    to_answer: Spread | None
    to_end: Spread | None
    agents: tuple[Share, ...]
    models: tuple[Share, ...]
    usage: Usage


History = tuple[Sequence[Event], Sequence[ModelCall]]


def stats_of(histories: Iterable[History], since: datetime | None = None) -> Stats:
    """Add up the events and model calls of incidents, one history each."""
    endings: Counter[str] = Counter()
    to_plan, to_answer, to_end = list[float](), list[float](), list[float]()
    agents, models = dict[str, Share](), dict[str, Share]()
    whole = Usage()
    for events, calls in histories:
        endings[_ending(events)] += 1
        to_plan += _until(events, (EventType.PLAN_PROPOSED,), lambda event: event.written_at)
        to_end += _until(events, _ENDS, lambda event: event.at)
        answers = (event.payload for event in events)
        to_answer += [told.waited for told in answers if isinstance(told, ApprovalDecided)]
        whole += usage_of_calls(calls) if calls else usage_of(events)
        for spent in by_agent(events, calls):
            failed = sum(c.trouble is not None for c in calls if c.agent == spent.name)
            known = agents.get(spent.name, Share(name=spent.name))
            agents[spent.name] = known.plus(spent.usage, spent.work.total_seconds(), failed)
        for call in calls:
            known = models.get(str(call.model), Share(name=str(call.model)))
            failed = int(call.trouble is not None)
            models[str(call.model)] = known.plus(call.usage, call.took, failed)
    return Stats(
        since=since,
        incidents=endings.total(),
        endings=dict(endings.most_common()),
        to_plan=spread(to_plan),
        to_answer=spread(to_answer),
        to_end=spread(to_end),
        agents=tuple(one for one in agents.values() if one.seconds or one.usage.requests),
        models=tuple(models.values()),
        usage=whole,
    )


def spread(lengths: Sequence[float]) -> Spread | None:
    """Return the spread of some lengths; None when there are none."""
    if not lengths:
        return None
    ordered = sorted(lengths)

    def rank(share: float) -> float:
        return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]

    return Spread(count=len(ordered), median=rank(0.5), p90=rank(0.9))


_ENDS = (
    EventType.INCIDENT_RESOLVED,
    EventType.INCIDENT_DISMISSED,
    EventType.INCIDENT_ESCALATED,
)


def _ending(events: Sequence[Event]) -> str:
    for event in reversed(events):  # what was reopened ends again
        if event.type is EventType.INCIDENT_REOPENED:
            break
        if isinstance(event.payload, IncidentResolved | IncidentDismissed | IncidentEscalated):
            return event.payload.ending.value
    return OPEN


def _until(
    events: Sequence[Event], types: Sequence[EventType], clock: Callable[[Event], datetime]
) -> list[float]:
    """Return how long after the first event the first of these came, by a clock."""
    met = next((event for event in events if event.type in types), None)
    return [] if met is None else [max((clock(met) - clock(events[0])).total_seconds(), 0.0)]
