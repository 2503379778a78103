"""Where the time of an incident went, phase by phase and agent by agent."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise

from aiops_agent.domain.answer import AuthorKind, Usage
from aiops_agent.domain.event import Event, Phase
from aiops_agent.domain.model import ModelCall
from aiops_agent.domain.payload import ApprovalDecided, EventType
from aiops_agent.domain.value import Value

# They may come at any time: no phase waits for them.
QUESTIONS = (
    EventType.QUESTION_ASKED,
    EventType.QUESTION_ANSWERED,
    EventType.ANSWER_CORRECTED,
)


class Spent(Value):
    """Time under one name: of the environment's clock, of the wall, and measured work.

    `usage` is what that work used up.
    """

    name: str
    events: int = 0
    environment: timedelta = timedelta()
    wall: timedelta = timedelta()
    work: timedelta = timedelta()
    usage: Usage = Usage()

    def plus(self, event: Event, environment: timedelta, wall: timedelta) -> "Spent":
        """Return the sum with one more event and the time that led to it."""
        return Spent(
            name=self.name,
            events=self.events + 1,
            environment=self.environment + max(environment, timedelta()),
            wall=self.wall + max(wall, timedelta()),
            work=self.work + timedelta(seconds=event.effort.took if event.effort else 0),
            usage=self.usage + event.effort.usage if event.effort else self.usage,
        )


def by_phase(events: Sequence[Event]) -> tuple[Spent, ...]:
    """Return the time per phase in the order of phases; waiting counts for what it waited for."""
    own = [event for event in events if event.type not in QUESTIONS]
    spent = _spent(own, lambda event: event.phase.value)
    return tuple(spent[phase.value] for phase in Phase if phase.value in spent)


def by_agent(events: Sequence[Event], calls: Sequence[ModelCall] = ()) -> tuple[Spent, ...]:
    """Return the time per agent, in the order of their first event, and what they used up.

    What was sent to models is the truth of it where it is known: also of calls that failed.
    """
    spent = _spent(events, worker_of)
    for agent in dict.fromkeys(call.agent for call in calls):
        used = usage_of_calls([call for call in calls if call.agent == agent])
        known = spent.get(agent, Spent(name=agent))
        spent[agent] = known.model_copy(update={"usage": used})
    return tuple(spent.values())


def worker_of(event: Event) -> str:
    """Return whose work an event's effort is: at policy's verdict it is the critic's."""
    return "critique" if event.type is EventType.POLICY_DECIDED else event.agent


def decided_by_people(events: Sequence[Event]) -> timedelta | None:
    """Return the wall time that people took to decide; None when no person decided anything."""
    told = [one.payload for one in events if isinstance(one.payload, ApprovalDecided)]
    took = [one.waited for one in told if one.decision.surface.by_person]
    return timedelta(seconds=sum(took)) if took else None


def waited_for_people(events: Sequence[Event]) -> timedelta:
    """Return the wall time between every question and what ended it, an answer or its time."""
    total, asked = timedelta(), None
    for event in events:
        if event.type is EventType.APPROVAL_PENDING:
            asked = event.written_at
        ended = event.type in (EventType.APPROVAL_DECIDED, EventType.APPROVAL_ENDED)
        if ended and asked is not None:
            total, asked = total + (event.written_at - asked), None
    return total


def usage_of(events: Sequence[Event]) -> Usage:
    """Return what all work behind these events used up."""
    return sum((event.effort.usage for event in events if event.effort), Usage())


def usage_of_calls(calls: Sequence[ModelCall]) -> Usage:
    """Return what all these requests used up."""
    return sum((call.usage for call in calls), Usage())


def models_of(events: Sequence[Event]) -> tuple[str, ...]:
    """Return the names of the models that answered, in the order in which they did."""
    efforts = [event.effort for event in events if event.effort]
    authors = [by for one in efforts for by in (one.by, one.beside) if by]
    return tuple(dict.fromkeys(by.name for by in authors if by.kind is AuthorKind.MODEL))


def _spent(events: Sequence[Event], name: Callable[[Event], str]) -> dict[str, Spent]:
    spent: dict[str, Spent] = {}
    for earlier, event in pairwise((*events[:1], *events)):  # no time led to the first
        known = spent.get(name(event), Spent(name=name(event)))
        gone = (event.at - earlier.at, event.written_at - earlier.written_at)
        spent[name(event)] = known.plus(event, *gone)
    return spent
