"""What the story asks of the executor, as step bodies with plain JSON in and out."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiops_agent.domain.approval import Opinion
from aiops_agent.domain.errors import ApprovalError, PlatformError, SourceError
from aiops_agent.domain.incident import EnvironmentId, Incident
from aiops_agent.domain.remediation import Plan, PreparedPlan
from aiops_agent.domain.value import Document
from aiops_agent.safety.assess import assess
from aiops_agent.safety.case import Case
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.page import page


class Busy:
    """Knows whether something is in flight that must not be cut short."""

    def __init__(self) -> None:
        self._count = 0
        self.idle = asyncio.Event()
        self.idle.set()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Be busy while inside."""
        self._count += 1
        self.idle.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self.idle.set()


@dataclass(frozen=True)
class Hands:
    """Prepares, reviews, sends and takes back; a refusal is an answer, not an error."""

    deps: Deps
    busy: Busy = field(default_factory=Busy)

    async def prepare(self, incident_id: str, number: int, plan: Document) -> Document:
        """Return {"prepared": ...} or {"refused": why}; changes nothing."""
        incident = self._incident(incident_id)
        try:
            prepared = await self.deps.executor.prepare(incident, number, Plan.of(plan))
        except PlatformError as error:
            return {"refused": str(error)}
        return {"prepared": prepared.document()}

    async def review(self, prepared: Document, critic: Document | None) -> Document:
        """Return policy's verdict on a prepared plan; the critic can only make it stricter."""
        plan = PreparedPlan.of(prepared)
        environment = self.deps.environments(EnvironmentId(plan.environment))
        try:
            services = len((await environment.topology.graph()).services)
        except SourceError:
            services = 0  # unknown: the rule on reach then has nothing to compare with
        case = Case(
            prepared=plan,
            mode=self.deps.terms.mode,
            now=environment.clock.now(),
            services=services,
            freezes=environment.freezes,
        )
        opinion = None if critic is None else Opinion.of(critic)
        return assess(case, self.deps.rules, opinion).document()

    async def unchanged(self, prepared: Document) -> Document:
        """Return {"unchanged": bool} or {"unreadable": why}, just before sending."""
        plan = PreparedPlan.of(prepared)
        if self.deps.executor.armed(plan):
            return {"unchanged": True}
        try:
            return {"unchanged": await self.deps.executor.unchanged(plan)}
        except PlatformError as error:
            return {"unreadable": str(error)}

    async def execute(self, request_id: str) -> Document:
        """Send the approved plan; return {"outcome": ...} or {"refused": why}."""
        request = Gate(self.deps).get(request_id)
        with self.busy.busy():
            try:
                outcome = await self.deps.executor.execute(request)
            except ApprovalError as error:
                return {"refused": str(error)}
        return {"outcome": outcome.document()}

    async def undo(self, prepared: Document) -> Document:
        """Take back what was applied; return {"outcome": ...} or {"unreadable": why}."""
        with self.busy.busy():
            try:
                outcome = await self.deps.executor.undo(PreparedPlan.of(prepared))
            except PlatformError as error:
                return {"unreadable": str(error)}
        return {"outcome": outcome.document()}

    def _incident(self, incident_id: str) -> Incident:
        with page(self.deps, incident_id) as p:
            return p.incident
