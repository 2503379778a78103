"""The only holder of a platform: prepares, arms, sends what was approved, looks before it judges.

Protocol (safety by structure): one transaction arms the plan and writes an intent per request;
a request is sent only from its stored intent; before a send is repeated the platform is looked at;
what cannot be told is never called "not done" and never sent again.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import TypeAlias

from aiops_agent.actions.catalogue import Catalogue
from aiops_agent.actions.platform import Landing, Platform, Sight
from aiops_agent.domain.approval import ApprovalRequest
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import OutcomeUnknown, PlatformError, RequestRefused
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.point import Mark, Point, unmarked
from aiops_agent.domain.remediation import (
    ActionKind,
    Effect,
    EffectState,
    Offer,
    Outcome,
    Plan,
    Prepared,
    PreparedPlan,
    Request,
)
from aiops_agent.domain.retry import retry
from aiops_agent.domain.value import Value
from aiops_agent.ports.store import Store
from aiops_agent.safety import approve

Bounds: TypeAlias = Callable[[EnvironmentRef], Mapping[ActionKind, Value]]

MOST_SENDS = 5  # of a request that is safe to repeat
LOOK_AGAIN_SECONDS = 0.5  # a platform shows what it did a moment later
LOOKS = 6  # before a platform that does not answer is called unknown

# What became of a settled intent has the same word in the ledger and in the outcome.
_FINAL = {IntentState(state.value): state for state in EffectState}


def effect_of(intent: Intent, at: datetime) -> Effect:
    """Return what became of a settled intent."""
    words, state = intent.request.words, _FINAL[intent.state]
    return Effect(operation=intent.operation, words=words, state=state, note=intent.note, at=at)


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
        moved = {"sends": intent.sends + 1, "state": IntentState.SENDING, "note": ""}
        sending = intent.model_copy(update=moved)
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
        done = await self._record(sending, IntentState.APPLIED, answer.words, answer.made)
        self.mark(Point.RECORDED)
        return done

    async def _refused(self, intent: Intent, why: str) -> Intent:
        """A refusal of the only send means nothing was done; of a later one, only a look tells."""
        sight = await self._seen(intent)
        if sight.landing is Landing.LANDED:  # refused because our own earlier send had landed
            return await self._record(intent, IntentState.APPLIED, sight.note, sight.made)
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
            return await self._record(intent, IntentState.APPLIED, sight.note, sight.made)
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
            return Sight(landing=Landing.UNKNOWN, note=f"the platform did not answer: {error}")

    async def _record(
        self, intent: Intent, state: IntentState, note: str, made: str = ""
    ) -> Intent:
        changed = intent.model_copy(update={"state": state, "note": note, "made": made})
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


@dataclass(frozen=True)
class Executor:
    """Prepares, arms, sends. `platforms` and `bounds` are of an environment; `now` is wall time."""

    platforms: Callable[[EnvironmentRef], Platform]
    store: Store
    catalogue: Catalogue
    bounds: Bounds
    now: Callable[[], datetime]
    mark: Mark = unmarked

    def menu(self, environment: EnvironmentRef) -> tuple[Offer, ...]:
        """Return what can be done in that environment, with bounds."""
        kinds, bounds = self.platforms(environment).kinds, self.bounds(environment)
        return self.catalogue.offers(environment.kind, kinds, bounds)

    async def prepare(self, incident: Incident, attempt: int, plan: Plan) -> PreparedPlan:
        """Make every action of the plan ready; changes nothing. Raises PlatformError."""
        platform = self.platforms(incident.environment)
        offers = self.menu(incident.environment)
        steps: list[Prepared] = []
        for ordinal, action in enumerate(plan.actions, start=1):
            if action.target.environment != incident.environment:
                raise PlatformError(f"{action.text} is in {action.target.environment}.")
            self.catalogue.check(action, offers)
            operation = f"{incident.id}.{attempt}.{ordinal}"
            steps.append(self.catalogue.prepared(await platform.prepare(action, operation)))
        return PreparedPlan(
            incident=incident.id,
            environment=incident.environment,
            attempt=attempt,
            plan=plan,
            steps=tuple(steps),
        )

    async def unchanged(self, prepared: PreparedPlan) -> bool:
        """Whether every target still is as it was when the plan was made. Raises PlatformError."""
        platform = self.platforms(prepared.environment)
        for step in prepared.steps:
            if not await platform.unchanged(step):
                return False
        return True

    def armed(self, prepared: PreparedPlan) -> bool:
        """Whether permission to send this plan was given before, as after a crash."""
        return bool(self._ledger(prepared, undo=False))

    async def execute(self, request: ApprovalRequest) -> Outcome:
        """Arm the approved plan and send it; safe to call again after a crash.

        Raises ApprovalError when there is no valid yes to exactly this plan: nothing is sent.
        """
        started = self.now()
        intents = await asyncio.to_thread(self._arm, request)
        self.mark(Point.ARMED)
        return await self._send_all(request.prepared, intents, started)

    async def undo(self, prepared: PreparedPlan) -> Outcome:
        """Take back what was applied, last first, under the same approval; safe to repeat.

        Raises PlatformError when the platform cannot be read: then nothing was sent.
        """
        started = self.now()
        intents = await asyncio.to_thread(self._ledger, prepared, undo=True)
        if not intents:
            intents = await self._prepare_undo(prepared)
        self.mark(Point.UNDO_ARMED)
        return await self._send_all(prepared, intents, started)

    def _arm(self, request: ApprovalRequest) -> tuple[Intent, ...]:
        with self.store.begin() as work:
            return approve.arm(work, request.id, request.prepared, self.now())

    def _ledger(self, prepared: PreparedPlan, *, undo: bool) -> tuple[Intent, ...]:
        with self.store.read() as view:
            return view.ledger.of_plan(prepared.incident, prepared.digest, undo=undo)

    async def _prepare_undo(self, prepared: PreparedPlan) -> tuple[Intent, ...]:
        platform = self.platforms(prepared.environment)
        sent = await asyncio.to_thread(self._ledger, prepared, undo=False)
        applied = {one.operation: one for one in sent if one.state is IntentState.APPLIED}
        requests: list[Request] = []
        for ordinal, step in reversed(list(enumerate(prepared.steps, start=1))):
            own = [applied[one.operation] for one in step.requests if one.operation in applied]
            if step.inverse is None or not own:
                continue
            operation = f"{prepared.incident}.{prepared.attempt}.undo.{ordinal}"
            requests += await platform.take_back(step, own, operation)
        intents = approve.intents_of(prepared, requests, self.now(), undo=True)

        def arm() -> None:
            with self.store.begin() as work:
                work.ledger.arm(intents)

        await asyncio.to_thread(arm)
        return intents

    async def _send_all(
        self, prepared: PreparedPlan, intents: tuple[Intent, ...], started: datetime
    ) -> Outcome:
        platform = self.platforms(prepared.environment)
        sender = Sender(platform, self.store, self.now, self.mark)
        effects = []
        stopped = False
        for intent in intents:
            done = await (sender.skip(intent) if stopped else sender.settle(intent))
            effects.append(effect_of(done, self.now()))
            stopped = stopped or effects[-1].state is not EffectState.APPLIED
        return Outcome(effects=tuple(effects), started=started, finished=self.now())
