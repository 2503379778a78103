"""A platform that behaves as a script says, and a world in which effects can be counted."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aiops_agent.actions.platform import Accepted, Begin, Landing, Sight, at_once
from aiops_agent.domain.errors import OutcomeUnknown, PlatformError, RequestRefused
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    BlastRadius,
    Draft,
    Request,
)
from aiops_agent.registry import CATALOGUE


class Reply(StrEnum):
    """What becomes of one send, or of one look."""

    OK = "ok"
    LOST_AFTER = "lost after it landed"
    LOST_BEFORE = "lost before it landed"
    SLOW = "lost, and lands when somebody asks again"
    REFUSED = "refused"
    AWAY = "away"
    CANNOT_TELL = "cannot tell"


@dataclass
class Scripted:
    """Effects are counted per operation; a repeatable request has at most one, by the world's law.

    `sends` and `looks` are the replies still to come; when they are used up all goes well.
    """

    sends: Iterator[Reply] = field(default_factory=lambda: iter(()))
    looks: Iterator[Reply] = field(default_factory=lambda: iter(()))
    done: Counter[str] = field(default_factory=Counter)
    sent: list[str] = field(default_factory=list)
    bodies: list[Request] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # those that were not held back on our side
    flying: set[str] = field(default_factory=set)
    moved: bool = False  # somebody else changed the target
    moves: int = -1  # somebody does so behind that many sends
    undone: list[Action] = field(default_factory=list)

    @property
    def kinds(self) -> Sequence[ActionKind]:
        return CATALOGUE.kinds

    async def prepare(self, action: Action, operation: str) -> Draft:
        self.undone.append(action)
        request = Request(
            operation=f"{operation}.1", words=action.text, payload={"n": 1}, repeatable=True
        )
        return Draft(
            action=action,
            requests=(request,),
            precondition={},
            inverse=None,
            blast=BlastRadius(services=(), replicas=1, interrupts=False, words=""),
            run="",
            undo="",
        )

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        return not self.moved

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        await begin()
        self.sent.append(request.operation)
        self.bodies.append(request)
        reply = next(self.sends, Reply.OK)
        if reply is Reply.AWAY:
            raise PlatformError("It does not answer.")
        self.moved = self.moved or len(self.left) == self.moves
        self.left.append(request.operation)
        self._land(request.operation)
        if reply is Reply.SLOW:
            self.flying.add(request.operation)
        if reply in (Reply.LOST_BEFORE, Reply.SLOW):
            raise OutcomeUnknown("The connection was cut.")
        refused = request.repeatable and (self.moved or self.done[request.operation])
        if reply is Reply.REFUSED or refused:
            raise RequestRefused("The precondition does not hold.")
        self.done[request.operation] += 1
        if reply is Reply.LOST_AFTER:
            raise OutcomeUnknown("The connection was cut.")
        return Accepted(words="accepted", made=f"{request.operation} made it")

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        assert step.inverse is not None
        assert all(one.made == f"{one.operation} made it" for one in applied)
        return (await self.prepare(step.inverse, operation)).requests

    def _land(self, operation: str) -> None:
        if operation in self.flying:
            self.flying.remove(operation)
            self.done[operation] += 1

    async def look(self, request: Request, armed_at: datetime) -> Sight:
        reply = next(self.looks, Reply.OK)
        if reply is Reply.AWAY:
            raise PlatformError("It does not answer.")
        if reply is Reply.CANNOT_TELL:
            return Sight(landing=Landing.UNKNOWN, note="cannot tell")
        if self.done[request.operation]:
            made = f"{request.operation} made it"
            return Sight(landing=Landing.LANDED, note="it is there", made=made)
        landing = Landing.DIVERGED if self.moved else Landing.NOT_LANDED
        return Sight(landing=landing, note=landing.value)
