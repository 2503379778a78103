"""Two processes in memory: one that arms and waits, one that sends; each may die at every mark.

Whoever waits lets the other one work: so all that happens is in one order, and every order in which
one of them dies can be gone through.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiops_agent.domain.errors import ApprovalError, OnHold
from aiops_agent.domain.lease import EXECUTOR, Lease
from aiops_agent.domain.point import Mark, Point
from aiops_agent.domain.remediation import Outcome
from aiops_agent.registry import CATALOGUE
from aiops_agent.safety.execute import Executor
from aiops_agent.safety.separate import SeparateExecutor
from tests.safety.deaths import Died, Life
from tests.safety.plans import NOW, a_plan

VERSION = "1.2.3"
ALIVE = timedelta(seconds=8)
MOST_LIVES = 50


@dataclass
class Apart(Life):
    """One approved plan between two processes; `away` is an executor that never comes."""

    away: bool = False
    dies: tuple[int, int] = (0, 0)  # the mark at which who arms dies, and who sends
    sender_of: Callable[[Executor], Executor] = lambda right: right
    deaths: int = 0
    _left: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._left = list(self.dies)
        if not self.away:
            self.beats()

    def beats(self, **other: Any) -> None:
        """Let the executor hold its lease from now on."""
        held = Lease(
            name=EXECUTOR,
            owner="executor",
            fence=1,
            since=NOW,
            until=self.now + ALIVE,
            version=VERSION,
            serves=(str(self.plan.environment),),
        )
        self.store.leases.put(held.model_copy(update=other))

    def armer(self) -> SeparateExecutor:
        """Return the half that sends nothing, with the other one beside it."""
        return SeparateExecutor(
            **self._parts(0), version=VERSION, pause=self._pause, use_within=timedelta(minutes=10)
        )

    def sender(self) -> Executor:
        """Return the half that sends."""
        return self.sender_of(Executor(**self._parts(1)))

    async def goes_on(self, die_at: int = 0) -> Outcome | ApprovalError | None:
        """Execute until there is an end, over all deaths of who arms."""
        assert die_at == 0
        return await self._lived(lambda: self.armer().execute(self.request, lambda: self.verdict))

    async def taken_back(self) -> Outcome | ApprovalError | None:
        """Undo until there is an end."""
        return await self._lived(lambda: self.armer().undo(self.plan))

    async def _lived(
        self, work: Callable[[], Awaitable[Outcome]]
    ) -> Outcome | ApprovalError | None:
        for _ in range(MOST_LIVES):
            try:
                return await work()
            except Died:
                self.deaths += 1
            except OnHold as hold:
                return hold
            except ApprovalError as error:
                return error
        return None

    async def works(self) -> None:
        """Let the executor take what is armed, once."""
        for one in self.store.ledger.unsettled():
            sender = self.sender()
            try:
                if one.undo:
                    await sender.send_undo(self.plan)
                else:
                    await sender.send(self.request, lambda: self.verdict)
            except Died:
                self.deaths += 1
            except OnHold:
                pass

    async def _pause(self) -> None:
        if not self.away:
            self.beats()
            await self.works()

    def _parts(self, who: int) -> dict[str, Any]:
        return {
            "platforms": lambda _name: self.platform,
            "store": self.store,
            "catalogue": CATALOGUE,
            "bounds": lambda _name: {},
            "now": lambda: self.now,
            "mark": self._mark(who),
        }

    def _mark(self, who: int) -> Mark:
        def mark(point: Point) -> None:
            self.passed.append(point)
            self._left[who] -= 1
            if self._left[who] == 0:
                raise Died

        return mark


def apart(seed: int = 1, **other: Any) -> Apart:
    """Return an approved plan of two steps between two processes."""
    return Apart(a_plan(seed, 2), **other)
