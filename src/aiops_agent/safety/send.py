"""One armed request until its effect is known: send, look, and only then judge."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat

from aiops_agent.actions.platform import Landing, Platform, Sight
from aiops_agent.domain.errors import OutcomeUnknown, PlatformError, RequestRefused
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.point import Mark, Point
from aiops_agent.domain.remediation import Effect, EffectState
from aiops_agent.domain.retry import retry
from aiops_agent.ports.store import Store

MOST_SENDS = 5  # of a request that is safe to repeat
LOOK_AGAIN_SECONDS = 0.5  # a platform shows what it did a moment later
LOOKS = 6  # before a platform that does not answer is called unknown

_FINAL = {
    IntentState.APPLIED: EffectState.APPLIED,
    IntentState.REFUSED: EffectState.REFUSED,
    IntentState.UNKNOWN: EffectState.UNKNOWN,
    IntentState.SKIPPED: EffectState.SKIPPED,
}


def effect_of(intent: Intent, at: datetime) -> Effect:
    """Return what became of a settled intent."""
    return Effect(
        operation=intent.operation,
        words=intent.request.words,
        state=_FINAL[intent.state],
        note=intent.note,
        at=at,
    )


@dataclass(frozen=True)
class Sender:
    """Sends single intents to one platform and records each move before and after."""

    platform: Platform
    store: Store
    now: Callable[[], datetime]
    mark: Mark

    async def settle(self, intent: Intent) -> Intent:
        """Return the intent in a final state. A repeat after a crash looks before it sends."""
        while intent.state not in _FINAL:
            if intent.state is IntentState.SENDING:
                intent = await self._recover(intent)
            else:
                intent = await self._send(intent)
        return intent

    async def skip(self, intent: Intent) -> Intent:
        """Record that an intent is not sent because one before it did not apply."""
        if intent.state is not IntentState.ARMED:
            return await self.settle(intent)
        return await self._record(intent, IntentState.SKIPPED, "one before it did not apply")

    async def _send(self, intent: Intent) -> Intent:
        sending = intent.model_copy(
            update={"sends": intent.sends + 1, "state": IntentState.SENDING, "note": ""}
        )
        if not await asyncio.to_thread(self._claimed, sending):
            return await asyncio.to_thread(self._stored, intent)  # somebody else has it
        self.mark(Point.BEFORE_SEND)
        try:
            answer = await self.platform.send(intent.request)
        except RequestRefused as error:
            return await self._refused(sending, str(error))
        except OutcomeUnknown:
            return await self._recover(sending)
        except PlatformError as error:  # it never left: the state is as before the send
            return await self._unsent(sending, str(error))
        self.mark(Point.AFTER_SEND)
        done = await self._record(sending, IntentState.APPLIED, answer)
        self.mark(Point.RECORDED)
        return done

    async def _refused(self, intent: Intent, why: str) -> Intent:
        """A refusal of the only send means nothing was done; of a later one, only a look tells."""
        sight = await self._seen(intent)
        if sight.landing is Landing.LANDED:  # refused because our own earlier send had landed
            return await self._record(intent, IntentState.APPLIED, sight.note)
        if intent.sends == 1 or sight.landing is Landing.NOT_LANDED:
            return await self._record(intent, IntentState.REFUSED, why)
        return await self._record(intent, IntentState.UNKNOWN, f"{sight.note}: ask a person")

    async def _unsent(self, intent: Intent, why: str) -> Intent:
        if intent.sends >= MOST_SENDS:
            return await self._record(intent, IntentState.REFUSED, f"not sent: {why}")
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return await self._record(intent, IntentState.ARMED, why)

    async def _recover(self, intent: Intent) -> Intent:
        """A send began and its end is not known: look; send again only what is safe to repeat."""
        sight = await self._seen(intent)
        if sight.landing is Landing.LANDED:
            return await self._record(intent, IntentState.APPLIED, sight.note)
        repeat = intent.request.repeatable and intent.sends < MOST_SENDS
        if sight.landing is Landing.NOT_LANDED and repeat:
            return await self._record(intent, IntentState.ARMED, sight.note)
        return await self._record(intent, IntentState.UNKNOWN, f"{sight.note}: ask a person")

    async def _seen(self, intent: Intent) -> Sight:
        """Look until the platform answers; a platform that never does cannot tell."""
        try:
            return await retry(
                lambda: self.platform.look(intent.request, intent.armed_at),
                when=lambda error: isinstance(error, PlatformError),
                pauses=repeat(LOOK_AGAIN_SECONDS, LOOKS - 1),
            )
        except PlatformError as error:
            note = f"the platform did not answer: {error}"
            return Sight(landing=Landing.UNKNOWN, note=note)

    async def _record(self, intent: Intent, state: IntentState, note: str) -> Intent:
        changed = intent.model_copy(update={"state": state, "note": note})
        return await asyncio.to_thread(self._change, changed, intent.state)

    def _claimed(self, sending: Intent) -> bool:
        """Whether we, and nobody else, moved it from armed to sending."""
        with self.store.begin() as work:
            return work.ledger.change(sending, was=IntentState.ARMED)

    def _change(self, intent: Intent, was: IntentState) -> Intent:
        with self.store.begin() as work:
            kept = work.ledger.change(intent, was=was)
        return intent if kept else self._stored(intent)

    def _stored(self, intent: Intent) -> Intent:
        """Return the intent as the ledger has it now."""
        with self.store.read() as view:
            known = view.ledger.of_plan(intent.incident, intent.plan, undo=intent.undo)
        return next(one for one in known if one.operation == intent.operation)
