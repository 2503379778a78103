"""Deaths of an executor in memory, and what the world is like when it goes on.

Every mark that a life passes is a place to die. Afterwards something has happened; then the next
executor goes on, and what it sends is judged by what the ledger said at the death.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest

from aiops_agent.domain.approval import ApprovalState, Ruling, Verdict
from aiops_agent.domain.errors import ApprovalError, OnHold
from aiops_agent.domain.incident import Status
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import EffectState, Outcome, PreparedPlan
from aiops_agent.domain.sending import Switch
from aiops_agent.registry import CATALOGUE
from aiops_agent.safety import send
from aiops_agent.safety.execute import Executor
from tests.safety.memory import MemoryStore, inline
from tests.safety.plans import NOW, a_plan, a_request, asks, stored
from tests.safety.scripted import Scripted

YES_USED = NOW + timedelta(minutes=2)


class Died(BaseException):
    """The process ended here."""


class Then(StrEnum):
    """What happened between a death and the resumption."""

    NOTHING = "resumed at once"
    LATE = "resumed 11 minutes later"
    TAKEN = "taken over"
    ENDED = "ended"
    CHANGED = "target changed"
    FROZEN = "frozen"
    STOPPED = "sending stopped"
    EDITED = "ledger edited"


def parted(plan: PreparedPlan) -> PreparedPlan:
    """Return the plan with the requests of each step as one part: two, so that it can be torn."""
    steps = []
    for ordinal, step in enumerate(plan.steps, start=1):
        one = step.requests[0]
        pair = (one.model_copy(update={"operation": f"INC-0001.1.{ordinal}.{n}"}) for n in (1, 2))
        parts = tuple(r.model_copy(update={"part": f"part-{ordinal}"}) for r in pair)
        steps.append(step.model_copy(update={"requests": parts}))
    return plan.model_copy(update={"steps": tuple(steps)})


@dataclass
class Life:
    """One approved plan, its store, its platform, the clock and what policy says."""

    plan: PreparedPlan
    platform: Scripted = field(default_factory=Scripted)
    store: MemoryStore = field(default_factory=MemoryStore)
    now: datetime = YES_USED
    verdict: Verdict = field(default_factory=asks)
    edited: str = ""
    passed: list[Point] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.request = stored(self.store, a_request(self.plan, ApprovalState.APPROVED))

    def executor(self, die_at: int = 0) -> Executor:
        """Return hands that die at that mark; 0 is never."""
        passed = iter(range(1, 10_000))

        def mark(point: Point) -> None:
            self.passed.append(point)
            if next(passed) == die_at:
                raise Died

        return Executor(
            platforms=lambda _name: self.platform,
            store=self.store,
            catalogue=CATALOGUE,
            bounds=lambda _name: {},
            now=lambda: self.now,
            mark=mark,
        )

    async def goes_on(self, die_at: int = 0) -> Outcome | ApprovalError | None:
        """Execute; None is a death."""
        try:
            return await self.executor(die_at).execute(self.request, lambda: self.verdict)
        except Died:
            return None
        except ApprovalError as error:
            return error

    def happens(self, then: Then) -> None:
        """Let it happen."""
        incidents = self.store.incidents
        incident = incidents.rows["INC-0001"]
        match then:
            case Then.LATE:
                self.now += timedelta(minutes=11)
            case Then.TAKEN:
                incidents.put(incident.model_copy(update={"takeover": True}))
            case Then.ENDED:
                incidents.put(incident.model_copy(update={"status": Status.ESCALATED}))
            case Then.CHANGED:
                self.platform.moved = True
            case Then.FROZEN:
                self.verdict = Verdict(ruling=Ruling.DENY, reason="no changes on Fridays")
            case _:
                self._is_attacked(then)

    def _is_attacked(self, then: Then) -> None:
        if then is Then.STOPPED:
            self.switch(stopped=True)
        if then is Then.EDITED:
            self._edit()

    def switch(self, *, stopped: bool) -> None:
        """Stop or start sending."""
        self.store.sending.switch(Switch(stopped=stopped, by="alex", at=self.now))

    @property
    def rows(self) -> tuple[Intent, ...]:
        """What the ledger holds, in order."""
        return tuple(self.store.ledger.rows.values())

    def _edit(self) -> None:
        """Change the last armed row, as somebody who can write the store would."""
        for intent in reversed(self.rows):
            if intent.state is IntentState.ARMED:
                body = {**intent.request.payload, "uid": "another"}
                request = intent.request.model_copy(update={"payload": body})
                changed = intent.model_copy(update={"request": request})
                self.store.ledger.rows[intent.operation] = changed
                self.edited = intent.operation
                return


def may_follow(then: Then, at_death: Iterable[Intent], life: Life) -> set[str]:
    """Return the operations that may still be sent after a death: what was begun is finished."""
    rows = list(at_death)
    planned = {one.operation: one.part for one in life.plan.requests}
    repeated = {one.operation for one in rows if one.state is IntentState.SENDING}
    begun = {
        one.request.part for one in rows if one.state in (IntentState.SENDING, IntentState.APPLIED)
    }
    match then:
        case Then.NOTHING:
            return set(planned)
        case Then.STOPPED:
            return set()
        case Then.CHANGED:
            return repeated
        case Then.EDITED:
            return set(planned) - {life.edited}
    return repeated | {name for name, part in planned.items() if part in begun}


@dataclass(frozen=True)
class Verdicts:
    """How many deaths were lived through, and what was wrong."""

    deaths: int
    wrong: list[str]


def lived_through(seeds: Iterable[int], thens: Iterable[Then] = Then) -> Verdicts:
    """Die at every mark of the lives of these seeds, and go on after each of these happenings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "to_thread", inline)
        patch.setattr(send, "LOOK_AGAIN_SECONDS", 0)
        return asyncio.run(_lived_through(list(seeds), list(thens)))


async def _lived_through(seeds: list[int], thens: list[Then]) -> Verdicts:
    deaths, wrong = 0, []
    for seed in seeds:
        for then in thens:
            for die_at in range(1, 1000):
                life = Life(parted(a_plan(seed, 2)))
                if await life.goes_on(die_at) is not None:
                    break  # it lived: no mark is left to die at
                deaths += 1
                wrong += [f"{seed} {then} {die_at}: {flaw}" async for flaw in _after(life, then)]
    return Verdicts(deaths, wrong)


async def _after(life: Life, then: Then) -> Any:
    at_death, left = life.rows, len(life.platform.left)
    life.happens(then)
    end = await life.goes_on()
    allowed = may_follow(then, at_death, life)
    for operation in life.platform.left[left:]:
        if operation not in allowed:
            yield f"{operation} was sent"
    if then is Then.STOPPED:
        left_over = len(life.platform.done) < len(life.plan.requests)
        if left_over and not isinstance(end, OnHold):
            yield f"not held but {end}"
        life.switch(stopped=False)
        end = await life.goes_on()
    for flaw in _untrue(life):
        yield flaw
    if then in (Then.NOTHING, Then.STOPPED) and not _whole(end, life):
        yield f"not finished: {end}"


def _whole(end: Outcome | ApprovalError | None, life: Life) -> bool:
    applied = isinstance(end, Outcome) and end.state is EffectState.APPLIED
    return applied and set(life.platform.done.values()) == {1}


def _untrue(life: Life) -> Iterator[str]:
    planned = life.plan.requests
    if any(body not in planned for body in life.platform.bodies):
        yield "something else was sent than what was approved"
    for intent in life.rows:
        done = life.platform.done[intent.operation]
        if done > 1:
            yield f"{intent.operation} was done twice"
        if intent.state is IntentState.APPLIED and not done:
            yield f"{intent.operation} is called done"
        if intent.state in (IntentState.SKIPPED, IntentState.REFUSED) and done:
            yield f"{intent.operation} is called not done"
