"""Sends single requests, once, and records each move before and after; looks before it judges."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import repeat
from typing import TypeAlias

from aiops_agent.actions.platform import Landing, Platform, Sight
from aiops_agent.domain.errors import (
    NotPermitted,
    OnHold,
    OutcomeUnknown,
    PlatformError,
    RequestRefused,
)
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.point import Mark, Point
from aiops_agent.domain.remediation import EffectState
from aiops_agent.domain.retry import retry
from aiops_agent.ports.store import Store, Work
from aiops_agent.safety import permit

Allow: TypeAlias = Callable[[Work, Intent, bool], None]
Fresh: TypeAlias = Callable[[Intent], Awaitable[None]]

AT_ONCE = 0.5  # seconds from the permission to the send; a stop counts after one second
MOST_ASKS = 5  # for one send, by a process that is held up behind each permission
MOST_SENDS = 5  # of a request that is safe to repeat
LOOK_AGAIN_SECONDS = 0.5  # a platform shows what it did a moment later
LOOKS = 6  # before a platform that does not answer is called unknown

# What became of a settled intent has the same word in the ledger and in the outcome.
FINAL = {IntentState(state.value): state for state in EffectState}


class _Elsewhere(Exception):
    pass


class _Begin:
    """What a platform awaits directly before a request leaves; `intent` is as it was recorded."""

    def __init__(self, sender: "Sender", intent: Intent, *, begun: bool) -> None:
        self._sender, self.intent, self._begun = sender, intent, begun

    async def __call__(self) -> None:
        self.intent = await self._sender.begin(self.intent, begun=self._begun)


@dataclass(frozen=True)
class Sender:
    """Sends single intents to one platform and records each move before and after.

    `approval` is the id of the used yes. `fresh` raises NotPermitted directly before a request that
    was never sent, `allow` inside the transaction that claims a send, of which it is told whether
    it begins a part.
    """

    approval: str
    platform: Platform
    store: Store
    mark: Mark
    allow: Allow
    fresh: Fresh
    stopwatch: Callable[[], float] = time.monotonic  # seconds

    async def settle(self, intent: Intent, *, begun: bool = False) -> Intent:
        """Return the intent in a final state. A repeat after a crash looks before it sends.

        With `begun` its part was begun before: it is finished also where none may begin any more.
        Raises OnHold when nothing may be sent now, and the intent stays as it is.
        """
        while intent.state not in FINAL:
            if intent.state is IntentState.SENDING:
                intent = await self._recover(intent)
            else:
                intent = await self._send(intent, begun=begun)
        return intent

    async def skip(self, intent: Intent, why: str) -> Intent:
        """Record why an intent is not sent; one that was begun is looked after instead."""
        if intent.state is not IntentState.ARMED or intent.begun:
            return await self.settle(intent)
        return await self._record(intent, IntentState.SKIPPED, why)

    async def end(self, intent: Intent, why: str) -> Intent:
        """Record an end without sending: of what may have left before, only a look can tell."""
        if intent.state in FINAL:
            return intent
        if intent.state is IntentState.ARMED and not intent.begun:
            return await self._record(intent, IntentState.SKIPPED, why)
        sight = await self._seen(intent)
        if sight.landing is Landing.LANDED:
            return await self._record(intent, IntentState.APPLIED, sight.note, sight.made)
        return await self._record(intent, IntentState.UNKNOWN, f"{why} {sight.note}: ask a person")

    async def _send(self, intent: Intent, *, begun: bool) -> Intent:
        begin = _Begin(self, intent, begun=begun)
        try:
            answer = await self.platform.send(intent.request, begin)
        except _Elsewhere:
            return await asyncio.to_thread(self._stored, intent)
        except OnHold:
            raise
        except NotPermitted as error:
            return await self._stopped(intent, str(error))
        except RequestRefused as error:
            return await self._refused(begin.intent, str(error))
        except OutcomeUnknown:
            return await self._recover(begin.intent)
        except PlatformError as error:  # it never left: the state is as before the send
            return await self._unsent(begin.intent, str(error))
        self.mark(Point.AFTER_SEND)
        done = await self._record(begin.intent, IntentState.APPLIED, answer.words, answer.made)
        self.mark(Point.RECORDED)
        return done

    async def begin(self, intent: Intent, *, begun: bool) -> Intent:
        """Record that a send begins and return the intent so; raises when it may not, or cannot.

        A process that is held up between permission and send asks again, as a stop may have come
        since. Raises NotPermitted when that goes on: nothing was sent.
        """
        if not intent.begun:
            await self.fresh(intent)
        first = not (begun or intent.begun)
        self.mark(Point.BEFORE_SEND)
        sending = intent.model_copy(
            update={"sends": intent.sends + 1, "state": IntentState.SENDING, "note": ""}
        )
        for _ in range(MOST_ASKS):
            claimed, at = await asyncio.to_thread(self._claimed_at, sending, first)
            if not claimed:
                raise _Elsewhere
            self.mark(Point.SENDING)
            if self.stopwatch() - at <= AT_ONCE:
                return sending
            await self._record(sending, IntentState.ARMED, "held up before it was sent")
        raise NotPermitted(
            f"This process was held up for more than {AT_ONCE} s between permission and send, "
            f"{MOST_ASKS} times in a row: its machine is overloaded; give it more processor time."
        )

    async def _stopped(self, intent: Intent, why: str) -> Intent:
        """Nothing of it begins any more; what may have left before is a person's to judge."""
        if intent.begun:
            return await self._record(intent, IntentState.UNKNOWN, f"{why} Ask a person.")
        return await self._record(intent, IntentState.SKIPPED, why)

    async def _refused(self, intent: Intent, why: str) -> Intent:
        """A refusal of the only send means nothing was done; of a later one, only a look tells."""
        if intent.state is IntentState.ARMED and not intent.begun:  # refused before it left
            return await self._record(intent, IntentState.REFUSED, why)
        sight = await self._seen(intent)
        if sight.landing is Landing.LANDED:  # refused because our own earlier send had landed
            return await self._record(intent, IntentState.APPLIED, sight.note, sight.made)
        if not intent.begun or sight.landing is Landing.NOT_LANDED:
            return await self._record(intent, IntentState.REFUSED, why)
        return await self._record(intent, IntentState.UNKNOWN, f"{sight.note}: ask a person")

    async def _unsent(self, intent: Intent, why: str) -> Intent:
        sends = intent.sends + (intent.state is IntentState.ARMED)  # a try that never began counts
        tried = intent.model_copy(update={"sends": sends})
        if sends >= MOST_SENDS:
            return await self._record(tried, IntentState.REFUSED, f"not sent: {why}")
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return await self._record(tried, IntentState.ARMED, why)

    async def _recover(self, intent: Intent) -> Intent:
        """A send began and its end is not known: look; send again only what is safe to repeat."""
        intent = intent.model_copy(update={"begun": True})
        sight = await self._seen(intent)
        if sight.landing is Landing.LANDED:
            return await self._record(intent, IntentState.APPLIED, sight.note, sight.made)
        repeat = intent.request.repeatable and intent.sends < MOST_SENDS
        if sight.landing is Landing.NOT_LANDED and repeat:
            return await self._record(intent, IntentState.ARMED, sight.note)
        return await self._record(intent, IntentState.UNKNOWN, f"{sight.note}: ask a person")

    async def _seen(self, intent: Intent) -> Sight:
        """Look until the platform answers; a platform that never does cannot tell."""
        try:
            await asyncio.to_thread(self._genuine, intent)
            return await retry(
                lambda: self.platform.look(intent.request, intent.armed_at),
                when=lambda error: isinstance(error, PlatformError),
                pauses=repeat(LOOK_AGAIN_SECONDS, LOOKS - 1),
            )
        except NotPermitted as error:  # what was sent is not what is stored by now
            return Sight(landing=Landing.UNKNOWN, note=str(error))
        except PlatformError as error:
            return Sight(landing=Landing.UNKNOWN, note=f"the platform did not answer: {error}")

    async def _record(
        self, intent: Intent, state: IntentState, note: str, made: str = ""
    ) -> Intent:
        changed = intent.model_copy(update={"state": state, "note": note, "made": made})
        return await asyncio.to_thread(self._change, changed, intent.state)

    def _claimed_at(self, sending: Intent, first: bool) -> tuple[bool, float]:
        return self._claimed(sending, first), self.stopwatch()

    def _claimed(self, sending: Intent, first: bool) -> bool:
        """Whether we, and nobody else, moved it from armed to sending; raises NotPermitted."""
        with self.store.begin() as work:
            self.allow(work, sending, first)
            return work.ledger.change(sending, was=IntentState.ARMED)

    def _genuine(self, intent: Intent) -> None:
        with self.store.read() as view:
            permit.genuine(view, self.approval, intent)

    def _change(self, intent: Intent, was: IntentState) -> Intent:
        with self.store.begin() as work:
            kept = work.ledger.change(intent, was=was)
        return intent if kept else self._stored(intent)

    def _stored(self, intent: Intent) -> Intent:
        """Return the intent as the ledger has it now."""
        with self.store.read() as view:
            known = view.ledger.of_plan(intent.incident, intent.plan, undo=intent.undo)
        return next(one for one in known if one.operation == intent.operation)
