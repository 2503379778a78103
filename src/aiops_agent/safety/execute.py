"""The only holder of a platform: prepares, arms, sends what was approved, looks before it judges.

Protocol (safety by structure): one transaction arms the plan and writes an intent per request;
a request is sent only from its stored intent, and only as it was approved; directly before each
first send everything that allowed it must still hold (`permit`, the target, policy); before a send
is repeated the platform is looked at; what cannot be told is never called "not done" and never sent
again.
"""

# limit: the two halves of the protocol are to be read beside each other

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from aiops_agent.actions.catalogue import Catalogue
from aiops_agent.actions.platform import Platform
from aiops_agent.domain.approval import ApprovalRequest, Verdict
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import NotOurs, NotPermitted, PlatformError, Tampered
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
from aiops_agent.domain.sending import Limits
from aiops_agent.domain.value import Value
from aiops_agent.ports.store import Store, Work
from aiops_agent.safety import approve, permit
from aiops_agent.safety.send import FINAL, Allow, Fresh, Sender

Bounds: TypeAlias = Callable[[EnvironmentRef], Mapping[ActionKind, Value]]
# The time of an environment and how much may be done there.
Allowance: TypeAlias = Callable[[EnvironmentRef], tuple[datetime, Limits]]
Judged: TypeAlias = Callable[[], Verdict]  # what policy says of the plan at this moment

CHANGED = "the target changed since the plan was made"


def effect_of(intent: Intent, at: datetime) -> Effect:
    """Return what became of a settled intent."""
    return Effect(
        operation=intent.operation,
        part=intent.request.part,
        words=intent.request.words,
        state=FINAL[intent.state],
        note=intent.note,
        at=at,
    )


@dataclass(frozen=True)
class Executor:  # limit: the whole protocol of a plan and of its way back, in order
    """Prepares, arms, sends. `platforms` and `bounds` are of an environment; `now` is wall time."""

    platforms: Callable[[EnvironmentRef], Platform]
    store: Store
    catalogue: Catalogue
    bounds: Bounds
    now: Callable[[], datetime]
    mark: Mark = unmarked
    use_within: timedelta = permit.USE_WITHIN
    allowance: Allowance | None = None  # without it the built-in limits count, by wall time
    halted: Callable[[], str] = str  # why nothing is sent, whatever the store says; "" otherwise

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

    async def execute(self, request: ApprovalRequest, judged: Judged) -> Outcome:
        """Arm the approved plan and send it; safe to call again after a crash.

        Raises what `arm` and `send` raise.
        """
        started = self.now()
        await self.arm(request, judged)
        return await self.send(request, judged, started)

    async def arm(self, request: ApprovalRequest, judged: Judged) -> None:
        """Turn the approved plan into permission to send; changes nothing when it is armed.

        Raises ApprovalError when there is no valid yes to exactly this plan, and NotPermitted when
        it may not begin by now: nothing was sent. Raises OnHold when nothing may be sent for the
        present: call again; and Tampered when the ledger is not as it was armed.
        """
        if not self.armed(request.prepared):
            await self._as_planned(request.prepared)
        _as_armed(request, await asyncio.to_thread(self._arm, request, judged))
        self.mark(Point.ARMED)

    async def send(
        self, request: ApprovalRequest, judged: Judged, started: datetime | None = None
    ) -> Outcome:
        """Send what is armed of a plan and of nothing else; safe to call again after a crash.

        Policy is judged again before each first send. Raises OnHold and Tampered as `arm` does.
        """
        started, prepared = started or self.now(), request.prepared
        intents = await asyncio.to_thread(self._ledger, prepared, undo=False)
        _as_armed(request, intents)

        def allow(work: Work, intent: Intent, first: bool) -> None:
            used = permit.genuine(work, request.id, intent)
            permit.going(work, self.halted())
            if first:
                permit.permitted(work, used, self.now(), self.use_within)
                permit.stricter(used, judged())

        async def fresh(intent: Intent) -> None:
            await self._fresh(prepared, intent)

        sender = self._sender(prepared, request.id, allow, fresh)
        return await self._send_all(sender, intents, started)

    async def undo(self, prepared: PreparedPlan) -> Outcome:
        """Take back what was applied, last first, under the same approval; safe to repeat.

        Raises what `arm_undo` and `send_undo` raise.
        """
        started = self.now()
        await self.arm_undo(prepared)
        return await self.send_undo(prepared, started)

    async def arm_undo(self, prepared: PreparedPlan) -> None:
        """Turn what was applied into permission to take it back; changes nothing when it is armed.

        Raises NotOurs when what is there is not as it was left, and PlatformError when the platform
        cannot be read: then nothing was sent.
        """
        if not await asyncio.to_thread(self._ledger, prepared, undo=True):
            await self._prepare_undo(prepared)
        self.mark(Point.UNDO_ARMED)

    async def send_undo(self, prepared: PreparedPlan, started: datetime | None = None) -> Outcome:
        """Send what is armed of the way back of a plan. Raises OnHold as `arm` does."""
        started = started or self.now()
        intents = await asyncio.to_thread(self._ledger, prepared, undo=True)

        def allow(work: Work, intent: Intent, _first: bool) -> None:
            permit.genuine(work, prepared.approval, intent)
            permit.going(work, self.halted())

        sender = self._sender(prepared, prepared.approval, allow, _as_it_is)
        return await self._send_all(sender, intents, started)

    async def give_up(
        self, prepared: PreparedPlan, why: str, *, undo: bool = False
    ) -> tuple[Intent, ...]:
        """Settle what is armed without sending anything; return what became of it.

        What was not begun is skipped. What may have left before is looked after; what a look cannot
        tell is a person's to judge.
        """
        sender = self._sender(prepared, prepared.approval, _nothing, _as_it_is)
        armed = await asyncio.to_thread(self._ledger, prepared, undo=undo)
        return tuple([await sender.end(intent, why) for intent in armed])

    def _sender(self, prepared: PreparedPlan, approval: str, allow: Allow, fresh: Fresh) -> Sender:
        platform = self.platforms(prepared.environment)
        return Sender(approval, platform, self.store, self.mark, allow, fresh)

    def _arm(self, request: ApprovalRequest, judged: Judged) -> tuple[Intent, ...]:
        with self.store.begin() as work:
            if armed := work.ledger.of_plan(request.incident, request.prepared.digest, undo=False):
                return armed
            permit.going(work, self.halted())
            intents = approve.arm(work, request.id, request.prepared, self.now(), self.use_within)
            permit.stricter(request, judged())
            permit.room(work, request.prepared, *self._allowance(request.prepared.environment))
            return intents

    def _allowance(self, environment: EnvironmentRef) -> tuple[datetime, Limits]:
        return self.allowance(environment) if self.allowance else (self.now(), Limits())

    def _ledger(self, prepared: PreparedPlan, *, undo: bool) -> tuple[Intent, ...]:
        with self.store.read() as view:
            return view.ledger.of_plan(prepared.incident, prepared.digest, undo=undo)

    async def _as_planned(self, prepared: PreparedPlan) -> None:
        """Raise NotPermitted unless every target is as it was when the plan was made."""
        try:
            unchanged = await self.unchanged(prepared)
        except PlatformError as error:
            raise NotPermitted(str(error)) from error
        if not unchanged:
            raise NotPermitted(CHANGED)

    async def _fresh(self, prepared: PreparedPlan, intent: Intent) -> None:
        """Raise NotPermitted when somebody else changed the target of a request since the plan."""
        sent = await asyncio.to_thread(self._ledger, prepared, undo=False)
        applied = [one for one in sent if one.state is IntentState.APPLIED]
        platform = self.platforms(prepared.environment)
        for step in prepared.steps:
            here = any(one.operation == intent.operation for one in step.requests)
            if here and not await platform.unchanged(step, applied):
                raise NotPermitted(CHANGED)

    async def _prepare_undo(self, prepared: PreparedPlan) -> None:
        platform = self.platforms(prepared.environment)
        applied = await asyncio.to_thread(self._applied, prepared)
        requests: list[Request] = []
        for ordinal, step in reversed(list(enumerate(prepared.steps, start=1))):
            own = [applied[one.operation] for one in step.requests if one.operation in applied]
            if step.inverse is None or not own:
                continue
            operation = f"{prepared.incident}.{prepared.attempt}.undo.{ordinal}"
            requests += await platform.take_back(step, own, operation)

        def arm() -> None:
            with self.store.begin() as work:
                approve.arm_undo(work, prepared, requests, self.now())

        await asyncio.to_thread(arm)

    def _applied(self, prepared: PreparedPlan) -> dict[str, Intent]:
        """Return what applied, by operation; NotOurs when the ledger tells of something else."""
        with self.store.read() as view:
            sent = view.ledger.of_plan(prepared.incident, prepared.digest, undo=False)
            applied = {one.operation: one for one in sent if one.state is IntentState.APPLIED}
            try:
                for one in applied.values():
                    permit.genuine(view, prepared.approval, one)
            except NotPermitted as error:
                raise NotOurs(str(error)) from error
        return applied

    async def _send_all(
        self, sender: Sender, intents: tuple[Intent, ...], started: datetime
    ) -> Outcome:
        """Send in order. After a failure nothing is sent; after a halt, what finishes a part."""
        effects: list[Effect] = []
        halted = failed = ""
        for intent in intents:
            part = [one.state for one in effects if intent.request.part == one.part != ""]
            begun = bool(part) and set(part) == {EffectState.APPLIED}
            if failed or (halted and not begun):
                done = await sender.skip(intent, failed or halted)
            else:
                done = await sender.settle(intent, begun=begun)
            effects.append(effect_of(done, self.now()))
            if done.state is IntentState.SKIPPED:
                halted = halted or done.note
            elif done.state is not IntentState.APPLIED:
                failed = "one before it did not apply"
        return Outcome(effects=tuple(effects), started=started, finished=self.now())


async def _as_it_is(_intent: Intent) -> None:
    """Ask nothing: a way back was made for the target as it is."""


def _nothing(_work: Work, intent: Intent, _first: bool) -> None:
    """Allow no send at all."""
    raise NotPermitted(f"{intent.operation} is only looked after.")


def _as_armed(request: ApprovalRequest, intents: Sequence[Intent]) -> None:
    """Raise Tampered unless the ledger holds just what the plan has."""
    if [one.operation for one in intents] != [one.operation for one in request.prepared.requests]:
        raise Tampered(f"The ledger holds something else than {request.id}: nothing is sent.")
