"""The only holder of a platform: prepares, arms, sends what was approved, looks before it judges.

Protocol (safety by structure): one transaction arms the plan and writes an intent per request;
a request is sent only from its stored intent; before a send is repeated the platform is looked at;
what cannot be told is never called "not done" and never sent again.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from aiops_agent.actions.catalogue import Catalogue
from aiops_agent.actions.platform import Platform
from aiops_agent.domain.approval import ApprovalRequest
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.point import Mark, Point, unmarked
from aiops_agent.domain.remediation import (
    ActionKind,
    EffectState,
    Offer,
    Outcome,
    Plan,
    Prepared,
    PreparedPlan,
    Request,
)
from aiops_agent.domain.value import Value
from aiops_agent.ports.store import Store
from aiops_agent.safety import approve
from aiops_agent.safety.send import Sender, effect_of

Bounds: TypeAlias = Callable[[EnvironmentRef], Mapping[ActionKind, Value]]


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
        applied = {one.operation for one in sent if one.state is IntentState.APPLIED}
        requests: list[Request] = []
        for ordinal, step in reversed(list(enumerate(prepared.steps, start=1))):
            landed = any(request.operation in applied for request in step.requests)
            if step.inverse is None or not landed:
                continue
            operation = f"{prepared.incident}.{prepared.attempt}.undo.{ordinal}"
            requests += (await platform.prepare(step.inverse, operation)).requests
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
