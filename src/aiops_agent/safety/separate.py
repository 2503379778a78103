"""The airlock of a process that sends nothing: it arms, and `aiops execute` takes what is armed.

The ledger is all that goes between the two. An executor that is away is waited for as long as a yes
may be used; then what was not begun is skipped, in the same compare-and-set by which an executor
would begin it, and a person goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.domain.approval import ApprovalRequest
from aiops_agent.domain.errors import NotExecuted, OnHold, PlatformError, Tampered
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.lease import EXECUTOR, away
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.preparation import Preparation
from aiops_agent.domain.remediation import Outcome, Plan, PreparedPlan
from aiops_agent.safety import limits
from aiops_agent.safety.execute import Executor, Judged, effect_of
from aiops_agent.safety.send import FINAL

LOOK_SECONDS = 0.25  # an incident waits for it
LOOKS = 120  # in a row; then whoever follows the incident is told that it goes on


async def _a_moment() -> None:
    await asyncio.sleep(LOOK_SECONDS)


@dataclass(frozen=True)
class SeparateExecutor(Executor):
    """An executor that prepares, arms and waits, and leaves all sending to another process.

    `version` is that of our program; `pause` goes between two looks.
    """

    version: str = ""
    pause: Callable[[], Awaitable[None]] = _a_moment

    async def prepare(self, incident: Incident, attempt: int, plan: Plan) -> PreparedPlan:
        """Have the executor make the plan ready; PlatformError says why it cannot be.

        Raises OnHold while there is no answer yet: call again.
        """
        asked = Preparation(
            incident=incident.id,
            attempt=attempt,
            environment=incident.environment,
            plan=plan,
            asked_at=self.now(),
        )
        asked = await asyncio.to_thread(self._ask, asked)
        for _ in range(LOOKS):
            answer = await asyncio.to_thread(self._answer, asked)
            if answer is not None:
                await asyncio.to_thread(self._forget, asked)
                return _made(asked, answer)
            await self.pause()
        raise OnHold("the executor has not made the plan ready yet.")

    async def execute(self, request: ApprovalRequest, judged: Judged) -> Outcome:
        """Arm the approved plan and wait until the executor has sent it; safe to call again.

        Raises what `arm` raises, OnHold while it is not done, and NotExecuted when no executor took
        it in time: nothing of it was sent.
        """
        started = self.now()
        await self.arm(request, judged)
        return await self._awaited(request.prepared, started, undo=False)

    async def undo(self, prepared: PreparedPlan) -> Outcome:
        """Arm the way back of a plan and wait until the executor has sent it; safe to call again.

        Raises what `arm_undo` raises, and OnHold while it is not done.
        """
        started = self.now()
        await self.arm_undo(prepared)
        return await self._awaited(prepared, started, undo=True)

    async def _awaited(self, prepared: PreparedPlan, started: datetime, *, undo: bool) -> Outcome:
        for _ in range(LOOKS):
            intents, why, late = await asyncio.to_thread(self._looked, prepared, undo=undo)
            if late:
                intents = await self.give_up(prepared, f"{why}.", undo=undo)
            if all(one.state in FINAL for one in intents):
                effects = tuple(effect_of(one, self.now()) for one in intents)
                outcome = Outcome(effects=effects, started=started, finished=self.now())
                if late and not undo and not outcome.begun:
                    raise NotExecuted(f"{why}.")
                return outcome
            if why and not late:
                raise OnHold(f"{why}.")
            await self.pause()
        raise OnHold("the executor has the plan and is not done with it yet.")

    def _looked(
        self, prepared: PreparedPlan, *, undo: bool
    ) -> tuple[tuple[Intent, ...], str, bool]:
        """Return the ledger, why nothing goes on, and whether it was waited long enough for that.

        A yes that is too old begins nothing, whoever comes: its time is counted from when it was
        armed. A way back is waited for from when the executor was seen last.
        """
        with self.store.read() as view:
            intents = view.ledger.of_plan(prepared.incident, prepared.digest, undo=undo)
            if all(one.state in FINAL for one in intents):
                return intents, "", False
            known, now = view.leases.get(EXECUTOR), view.clock.now(self.now())
            if why := away(known, prepared.environment, self.version, now):
                since = intents[0].armed_at
                if undo and known is not None and known.until is not None:
                    since = max(since, known.until)
                return intents, why, now >= since + self.use_within
            return intents, limits.stopped(view) or self.halted(), False

    def _ask(self, asked: Preparation) -> Preparation:
        """Put the question unless it stands there, perhaps answered."""
        with self.store.begin() as work:
            known = work.preparations.of(asked.incident)
            if known is not None and known.fits(asked):
                return known
            new = asked.model_copy(update={"asked_at": work.clock.now(asked.asked_at)})
            work.preparations.put(new)
            return new

    def _answer(self, asked: Preparation) -> Preparation | None:
        """Return the answer, which also is that nobody gives one; None when one will come."""
        with self.store.read() as view:
            known = view.preparations.of(asked.incident)
            if known is not None and known.answered and known.fits(asked):
                return known
            lease, now = view.leases.get(EXECUTOR), view.clock.now(self.now())
            why = away(lease, asked.environment, self.version, now)
            if now >= asked.asked_at + self.use_within:
                flaw = f"{why or 'the executor did not make the plan ready in time'}."
                return asked.model_copy(update={"flaw": flaw})
            incident = view.incidents.get(asked.incident)
            if incident is None or incident.takeover or incident.regrouped:
                return asked.model_copy(update={"flaw": "people went on with it meanwhile."})
        if why:
            raise OnHold(f"{why}.")
        return None

    def _forget(self, asked: Preparation) -> None:
        with self.store.begin() as work:
            work.preparations.drop(asked.incident)


def _made(asked: Preparation, answer: Preparation) -> PreparedPlan:
    """Return the plan of an answer; PlatformError says why there is none."""
    prepared = answer.prepared
    if prepared is None:
        raise PlatformError(answer.flaw)
    names = ("incident", "attempt", "environment", "plan")
    about = {name: getattr(prepared, name) for name in names}
    if not answer.model_copy(update=about).fits(asked):
        raise Tampered(f"What was made ready for {asked.incident} is another plan: not used.")
    return prepared
