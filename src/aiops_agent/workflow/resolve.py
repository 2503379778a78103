"""One incident, durably: triage, diagnose, plan, review, approve, execute, verify, close."""

from dbos import DBOS, DBOSConfiguredInstance

from aiops_agent.domain.approval import ApprovalRequest, ApprovalState, Ruling, Verdict
from aiops_agent.domain.diagnosis import TriageVerdict
from aiops_agent.domain.errors import AiopsError
from aiops_agent.domain.incident import Ending, Status
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import (
    EffectState,
    Outcome,
    Plan,
    PlanKind,
    PreparedPlan,
    Recovery,
)
from aiops_agent.domain.value import Document
from aiops_agent.safety.approve import ending
from aiops_agent.workflow.aftermath import Aftermath
from aiops_agent.workflow.close import Close
from aiops_agent.workflow.deeds import Deeds
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.hands import Hands
from aiops_agent.workflow.look import Look
from aiops_agent.workflow.over import Closing, StoryOver
from aiops_agent.workflow.questions import FOREVER, Questions
from aiops_agent.workflow.record import Record
from aiops_agent.workflow.steps import step

# A fault of our own ends the incident with a person. After a restart the durable engine gives back
# a recorded fault as RuntimeError; what it raises to stop or park a story is none of these.
OWN_FAULTS = (
    AiopsError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


@DBOS.dbos_class()
class ResolveIncident(DBOSConfiguredInstance):
    """The story of an incident. Its name finds it again after a restart: keep it for ever."""

    def __init__(self, name: str, deps: Deps, hands: Hands) -> None:
        super().__init__(name)
        self._deps, self._hands = deps, hands
        self.alive: set[str] = set()  # incidents whose story runs in this process
        self._ask = Questions(name, deps)
        self._record, self._deeds = Record(deps), Deeds(deps)
        self._gate, self._closer = Gate(deps), Close(deps)
        self._look = Look(deps, self._ask, self._record)
        self._after = Aftermath(deps, hands, self._look)

    @DBOS.workflow(name="incident.v1", max_recovery_attempts=FOREVER)
    async def run(self, incident_id: str) -> str:
        """Tell the whole story of an incident; return the status in which it ends."""
        self.alive.add(incident_id)
        try:
            return await self._told(incident_id)
        finally:
            self.alive.discard(incident_id)

    async def _told(self, incident_id: str) -> str:
        """Triage, then diagnose, act and verify until recovered or out of attempts."""
        self._deps.mark(Point.STORY_STARTED)
        try:
            await self._triage(incident_id)
            for number in range(1, self._deps.terms.max_attempts + 1):
                await self._attempt(incident_id, number)
            closing = await step("spent", self._closer.spent, incident_id)
            over = StoryOver(Closing.of(closing))
        except StoryOver as end:
            over = end
        except OWN_FAULTS as error:
            over = StoryOver(
                Closing.of(await step("fault", self._closer.fault, incident_id, error))
            )
        return await self._close(incident_id, over.closing)

    async def _attempt(self, incident_id: str, number: int) -> None:
        """One round; returns when the next one should begin, raises StoryOver at an end."""
        diagnosis = await self._diagnose(incident_id, number)
        plan = await self._plan(incident_id, number, diagnosis)
        if plan.kind is PlanKind.WATCH:
            return await self._watch(incident_id, number, plan)
        prepared = await self._prepare(incident_id, number, plan)
        verdict = await self._review(incident_id, number, prepared)
        approval = await self._approve(incident_id, prepared, verdict)
        if not await self._recheck(incident_id, approval):
            return None
        outcome, since = await self._execute(incident_id, number, approval)
        recovery = await self._after.verify(incident_id, number, outcome, since)
        if recovery is Recovery.RECOVERED:
            raise StoryOver(Closing(Status.RESOLVED, Ending.FIXED, diagnosis["summary"]))
        return await self._after.undo(incident_id, number, prepared, recovery)

    async def _triage(self, incident_id: str) -> None:
        """Believe telemetry: contradicted is watched, then dismissed; unseen never is."""
        triage = await self._look.triage(incident_id)
        self._deps.mark(Point.TRIAGED)
        if triage.verdict is TriageVerdict.CONTRADICTED:
            raise StoryOver(Closing(Status.DISMISSED, Ending.DISMISSED, triage.reason))

    async def _diagnose(self, incident_id: str, number: int) -> Document:
        await self._mine(incident_id)
        diagnosis = await self._look.diagnosis(incident_id, number)
        self._deps.mark(Point.DIAGNOSED)
        return diagnosis

    async def _plan(self, incident_id: str, number: int, diagnosis: Document) -> Plan:
        reply = await self._ask.plan(incident_id, diagnosis)
        if "unseen" in reply:
            raise StoryOver(handed_over(f"no plan could be made: {reply['unseen']}"))
        await step("planned", self._record.planned, incident_id, number, **reply)
        self._deps.mark(Point.PLANNED)
        plan = Plan.of(reply["answer"])
        if plan.kind is PlanKind.HANDOVER:
            raise StoryOver(handed_over(plan.reason))
        return plan

    async def _watch(self, incident_id: str, number: int, plan: Plan) -> None:
        note = "watched: it may heal by itself"
        await step("moved", self._record.moved, incident_id, Status.VERIFYING, note)
        since = await step("now", self._record.now, incident_id)
        patience = self._deps.terms.pace.watch
        recovery = await self._look.recovery(incident_id, number, since, patience)
        if recovery is Recovery.RECOVERED:
            raise StoryOver(Closing(Status.RESOLVED, Ending.HEALED, f"{plan.reason}; it healed"))

    async def _prepare(self, incident_id: str, number: int, plan: Plan) -> PreparedPlan:
        reply = await step("prepare", self._hands.prepare, incident_id, number, plan.document())
        self._deps.mark(Point.PREPARED)
        if "refused" in reply:
            raise StoryOver(handed_over(f"no safe action: {reply['refused']}"))
        prepared = PreparedPlan.of(reply["prepared"])
        if not any(prepared_step.requests for prepared_step in prepared.steps):
            raise StoryOver(handed_over("everything is already as the plan wishes it"))
        return prepared

    async def _review(self, incident_id: str, number: int, prepared: PreparedPlan) -> Verdict:
        document = prepared.document()
        critic = await self._ask.critique(incident_id, document)
        said = await step("review", self._hands.review, document, critic.get("answer"))
        await step(
            "reviewed", self._record.reviewed, incident_id, number, document, said, critic["took"]
        )
        self._deps.mark(Point.REVIEWED)
        verdict = Verdict.of(said)
        if verdict.ruling is Ruling.DENY:
            note = f"denied by rule {verdict.rule}: {verdict.reason}; nothing was run"
            raise StoryOver(Closing(Status.ESCALATED, Ending.DENIED, note))
        return verdict

    async def _approve(
        self, incident_id: str, prepared: PreparedPlan, verdict: Verdict
    ) -> ApprovalRequest:
        """Ask and wait as long as it takes: the wait is a row, not a thread."""
        request_id = await step(
            "ask", self._gate.ask, incident_id, prepared.document(), verdict.document()
        )
        self._deps.mark(Point.ASKED)
        while wait := await step("look", self._gate.look, incident_id, request_id):
            self._deps.mark(Point.WAITING)
            await DBOS.recv_async("wake", timeout_seconds=wait)
        request = ApprovalRequest.of(await step("answer", self._answer, request_id))
        self._deps.mark(Point.DECIDED)
        await self._mine(incident_id)
        if request.state is ApprovalState.REJECTED:
            note = f"{ending(request)}{_because(request)}; nothing was run"
            raise StoryOver(Closing(Status.ESCALATED, Ending.REJECTED, note))
        if request.state is ApprovalState.EXPIRED:
            raise StoryOver(Closing(Status.ESCALATED, Ending.EXPIRED, request.note))
        return request

    async def _recheck(self, incident_id: str, request: ApprovalRequest) -> bool:
        """Just before sending: healed or changed meanwhile means withdrawn, not run."""
        reply = await step("unchanged", self._hands.unchanged, request.prepared.document())
        healed = await self._look.healed(incident_id, request.prepared.plan.criteria)
        self._deps.mark(Point.RECHECKED)
        if reply.get("unchanged") and not healed:
            return True
        note = "it recovered by itself; nothing was run"
        if not healed:
            changed = "the target changed since the plan was made; nothing was run"
            note = reply.get("unreadable", changed)
        await step("withdraw", self._gate.withdraw, incident_id, request.id, note)
        if healed:
            await step("moved", self._record.moved, incident_id, Status.VERIFYING, note)
            raise StoryOver(Closing(Status.RESOLVED, Ending.HEALED, note))
        return False

    async def _execute(
        self, incident_id: str, number: int, request: ApprovalRequest
    ) -> tuple[Outcome, str]:
        await step("started", self._deeds.started, incident_id, number, request.id)
        reply = await step("execute", self._hands.execute, request.id)
        if "refused" in reply:
            note = f"{reply['refused']} Nothing was run."
            await step("withdraw", self._gate.withdraw, incident_id, request.id, note)
            await self._mine(incident_id)
            raise StoryOver(Closing(Status.ESCALATED, Ending.EXPIRED, note))
        since = await step("executed", self._deeds.executed, incident_id, number, reply["outcome"])
        self._deps.mark(Point.EXECUTED)
        outcome = Outcome.of(reply["outcome"])
        if outcome.state is EffectState.UNKNOWN:
            note = "an action was sent and nobody can tell whether it landed: look, then decide"
            raise StoryOver(Closing(Status.ESCALATED, Ending.UNKNOWN, note))
        return outcome, since

    async def _mine(self, incident_id: str) -> None:
        """Stop at this boundary when a person took the incident over."""
        if await step("taken", self._record.taken_over, incident_id):
            note = "a person took it over; the agent stopped"
            raise StoryOver(Closing(Status.ESCALATED, Ending.TAKEN_OVER, note))

    async def _close(self, incident_id: str, closing: Closing) -> str:
        await step("closed", self._closer.end, incident_id, *closing)
        reply = await self._report(incident_id)
        self._deps.mark(Point.REPORTED)
        await step("archived", self._closer.archive, incident_id, reply)
        self._deps.mark(Point.CLOSED)
        return closing.status

    async def _report(self, incident_id: str) -> Document:
        """A report that fails holds up no end: the case is archived without it."""
        try:
            return await self._ask.report(incident_id)
        except OWN_FAULTS as error:
            return {"unseen": f"{type(error).__name__}: {error}", "took": 0.0}

    def _answer(self, request_id: str) -> Document:
        return self._gate.get(request_id).document()


def handed_over(note: str) -> Closing:
    """End with a person: no safe action is known, nothing is changed by it."""
    return Closing(Status.ESCALATED, Ending.HANDED_OVER, note)


def _because(request: ApprovalRequest) -> str:
    reason = request.decision.reason if request.decision else ""
    return f" because: {reason}" if reason else ""
