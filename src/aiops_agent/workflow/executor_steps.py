"""What the workflow asks of the executor: each method is the body of one step."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from aiops_agent.agents import critique
from aiops_agent.domain.approval import ApprovalRequest, Opinion, Verdict
from aiops_agent.domain.errors import NoSource, SourceError
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import EvidenceAdded
from aiops_agent.domain.remediation import Outcome, Plan, PreparedPlan
from aiops_agent.domain.sending import Limits
from aiops_agent.domain.telemetry import Remains
from aiops_agent.domain.value import Value
from aiops_agent.reasoning.remains import findings as before_action
from aiops_agent.reasoning.remains import read_remains
from aiops_agent.safety import limits, permit
from aiops_agent.safety.assess import Case, assess
from aiops_agent.safety.execute import Judged
from aiops_agent.workflow.deps import Deps, attempt_of, found, incident_of, transaction
from aiops_agent.workflow.gate import Gate


def unalerted(incident: Incident) -> bool:
    """Whether nothing but the watch speaks for an incident: no alert, no broken objective."""
    return incident.watched and not (incident.triage is not None and incident.triage.broken)


class Kept(Value):
    """What an action will destroy, or why it could not be read."""

    remains: tuple[Remains, ...] = ()
    missing: str = ""


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
class ExecutorSteps:
    """Prepares, reviews, sends and takes back."""

    deps: Deps
    busy: Busy = field(default_factory=Busy)

    async def prepare(self, incident_id: str, number: int) -> PreparedPlan:
        """Make the plan of an attempt ready and keep it there; raises PlatformError.

        Raises OnHold while another process has to do it and has not.
        """
        incident, plan = await asyncio.to_thread(self._plan, incident_id, number)
        prepared = await self.deps.executor.prepare(incident, number, plan)
        await asyncio.to_thread(self._keep, prepared)
        return prepared

    async def review(self, prepared: PreparedPlan, critic: Opinion | None) -> Verdict:
        """Return policy's verdict on a prepared plan; the critic can only make it stricter."""
        return assess(await self._case(prepared), self.deps.rules, critic)

    async def _case(self, prepared: PreparedPlan) -> Case:
        environment = self.deps.environments(prepared.environment)
        try:
            services = len((await environment.topology.graph()).services)
        except SourceError:
            services = 0  # unknown: the rule on reach then has nothing to compare with
        at, most = environment.clock.now(), environment.limits
        incident, waits = await asyncio.to_thread(self._standing, prepared, at, most)
        attempt = attempt_of(incident, prepared.attempt)
        pick = attempt.pick
        dissent = (f"{pick.by} {pick.dissent}",) if pick and pick.dissent else ()
        return Case(
            prepared=prepared,
            mode=environment.mode,
            now=at,
            services=services,
            freezes=environment.freezes,
            reasoned=attempt.reasoned,
            unalerted=unalerted(incident),
            dissent=(*dissent, *waits),
        )

    def _standing(
        self, prepared: PreparedPlan, at: datetime, most: Limits
    ) -> tuple[Incident, tuple[str, ...]]:
        """Return the incident of a plan, and what stands in its way as things are.

        Other incidents and a stop are waited for; a limit or a closed service ends the plan.
        """
        with self.deps.store.read() as view:
            held, stopped = limits.held(view, prepared, at, most), limits.stopped(view)
            words = (
                f"a yes given now could not be used: {held}" if held else "",
                f"{stopped}: a yes waits, and is void after a while" if stopped else "",
            )
            incident = found(view, prepared.incident)
            return incident, (*permit.claimed(view, prepared), *filter(None, words))

    async def unchanged(self, request_id: str) -> bool:
        """Whether the target is as it was when the plan was made; raises PlatformError.

        Raises OnHold while another incident acts there: it may take back what it did.
        """
        request = await asyncio.to_thread(Gate(self.deps).get, request_id)
        if await asyncio.to_thread(self.deps.executor.armed, request.prepared):
            return True
        await asyncio.to_thread(self._free, request)
        return await self.deps.executor.unchanged(request.prepared)

    async def remains(self, request_id: str) -> Kept:
        """Return what the approved plan will destroy, as it is now; a failure holds up nothing."""
        prepared = await self._approved(request_id)
        ending = [one.action.target.service for one in prepared.steps if one.blast.interrupts]
        if not ending:
            return Kept()
        environment = self.deps.environments(prepared.environment)
        try:
            return Kept(remains=await read_remains(environment, tuple(dict.fromkeys(ending))))
        except NoSource:
            return Kept()  # nobody expects it
        except SourceError as error:
            return Kept(missing=str(error))

    def keep(self, incident_id: str, number: int, kept: Kept) -> None:
        """Keep with the incident what its action is about to destroy, or that it is not known."""
        with transaction(self.deps, incident_id) as t:
            attempt = t.amend(number, remains=kept.remains)
            if kept.missing:
                words = f"what the action destroys could not be kept: {kept.missing}"
                t.tell(EvidenceAdded(attempt=number), words, f"{number}-kept")
            known = attempt.diagnosis.findings if attempt.diagnosis else ()
            for finding in before_action(kept.remains, len(known) + 1):
                added = EvidenceAdded(attempt=number, finding=finding)
                words = f"{finding.what} {finding.now}".strip()
                t.tell(added, words, f"{number}-{finding.id}")

    async def execute(self, request_id: str) -> Outcome:
        """Send the approved plan; raises ApprovalError when the approval does not count.

        Raises NotPermitted when nothing of it may begin any more, OnHold when nothing may for now.
        """
        request, judged = await self._judged(request_id)
        with self.busy.busy():
            return await self.deps.executor.execute(request, judged)

    async def send(self, request_id: str) -> Outcome:
        """Send what is armed of a plan, and nothing else; raises OnHold as `execute` does."""
        request, judged = await self._judged(request_id)
        with self.busy.busy():
            return await self.deps.executor.send(request, judged)

    async def _judged(self, request_id: str) -> tuple[ApprovalRequest, Judged]:
        """Return a request, and what policy says of it at any later moment."""
        request = await asyncio.to_thread(Gate(self.deps).get, request_id)
        case = await self._case(request.prepared)
        critic = next((one for one in request.verdict.opinions if one.rule == critique.RULE), None)

        def judged() -> Verdict:
            place = self.deps.environments(request.prepared.environment)
            now = replace(case, mode=place.mode, freezes=place.freezes, now=place.clock.now())
            return assess(now, self.deps.rules, critic)

        return request, judged

    async def undo(self, request_id: str) -> Outcome:
        """Take back what was applied; raises PlatformError, NotOurs and OnHold as the executor."""
        prepared = await self._approved(request_id)
        with self.busy.busy():
            return await self.deps.executor.undo(prepared)

    async def send_undo(self, request_id: str) -> Outcome:
        """Send what is armed of the way back of a plan, and nothing else; raises OnHold."""
        prepared = await self._approved(request_id)
        with self.busy.busy():
            return await self.deps.executor.send_undo(prepared)

    def _free(self, request: ApprovalRequest) -> None:
        with self.deps.store.read() as view:
            permit.free(view, request, self.deps.now(), self.deps.executor.use_within)

    async def _approved(self, request_id: str) -> PreparedPlan:
        return (await asyncio.to_thread(Gate(self.deps).get, request_id)).prepared

    def _plan(self, incident_id: str, number: int) -> tuple[Incident, Plan]:
        incident = incident_of(self.deps, incident_id)
        plan = attempt_of(incident, number).plan
        if plan is None:
            raise LookupError(f"Attempt {number} of {incident_id} has no plan.")
        return incident, plan

    def _keep(self, prepared: PreparedPlan) -> None:
        with transaction(self.deps, prepared.incident) as t:
            t.amend(prepared.attempt, prepared=prepared)
