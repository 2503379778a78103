"""One incident, durably: triage, diagnose, plan, review, approve, execute, verify, close."""

# limit: the whole story of an incident is told in one place

import logging
from collections.abc import Coroutine
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any, NoReturn, TypeVar

from dbos import DBOS, DBOSConfiguredInstance
from dbos import error as dbos_error
from sqlalchemy.exc import SQLAlchemyError

from aiops_agent.domain.answer import Answer
from aiops_agent.domain.approval import Ruling, Verdict
from aiops_agent.domain.diagnosis import TriageVerdict
from aiops_agent.domain.errors import (
    AiopsError,
    ApprovalError,
    NotExecuted,
    NotOurs,
    NotPermitted,
    OverLimit,
    PlatformError,
)
from aiops_agent.domain.incident import ENDED, Ending, Status
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import (
    EffectState,
    Outcome,
    Plan,
    PlanKind,
    PreparedPlan,
    Recovery,
)
from aiops_agent.domain.retry import retry
from aiops_agent.workflow.again import Meanwhile, SecondLook
from aiops_agent.workflow.consent import consent
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.durable import step
from aiops_agent.workflow.executor_steps import ExecutorSteps
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.hold import Waiting, released, unheld
from aiops_agent.workflow.patience import SLEEP
from aiops_agent.workflow.questions import FOREVER, Looks, Questions
from aiops_agent.workflow.recorder import IncidentEnded, IncidentRecorder, Regrouped

log = logging.getLogger(__name__)

R = TypeVar("R")

UNDO_TRIES = 40  # about ten minutes while the platform does not answer
UNDO_PAUSE = 15.0  # seconds of environment time


class NothingNew(IncidentEnded):
    """It was looked at again, and stays as it was."""


@DBOS.dbos_class()
class ResolveIncident(DBOSConfiguredInstance):  # limit: the whole workflow of an incident, in order
    """The workflow of an incident. Its name finds it again after a restart: keep it for ever."""

    def __init__(self, name: str, deps: Deps, executor: ExecutorSteps) -> None:
        super().__init__(name)
        self._deps, self._executor = deps, executor
        self.alive: set[str] = set()  # incidents whose workflow runs in this process
        self._ask = Questions(name, deps)
        self._record, self._gate = IncidentRecorder(deps), Gate(deps)
        self._looks = Looks(deps, self._ask, self._record)

    @DBOS.workflow(name="incident.v1", max_recovery_attempts=FOREVER)
    async def run(self, incident_id: str) -> str:
        """Resolve an incident, or end it with a person; return the status in which it ends."""
        self.alive.add(incident_id)
        anew = False
        try:
            while True:
                try:
                    return await self._live(incident_id, anew=anew)
                except Regrouped:  # people split or merged it: other alerts, another story
                    anew = True
        finally:
            self.alive.discard(incident_id)

    async def _live(self, incident_id: str, *, anew: bool) -> str:
        try:
            fault = await _faults(incident_id, self._resolve(incident_id, anew=anew))
            return await self._close(incident_id, None, failed(fault))
        except NothingNew:
            return Status.DISMISSED
        except IncidentEnded as end:
            return await self._close(incident_id, end.ending, end.note, end.limit)

    async def _resolve(self, incident_id: str, *, anew: bool) -> NoReturn:
        """Triage, then diagnose, act and verify until recovered or out of attempts.

        Every phase ends the incident, when it comes to that, by IncidentEnded.
        """
        self._deps.mark(Point.STORY_STARTED)
        first = await self._begin(incident_id, anew=anew)
        for number in range(first, first + self._deps.terms.max_attempts):
            await self._diagnose(incident_id, number)
            plan = await self._plan(incident_id, number)
            if plan.kind is PlanKind.WATCH:
                await self._watch(incident_id, number, plan)
                continue
            prepared = await self._prepare(incident_id, number)
            verdict = await self._review(prepared)
            waiting = await consent(self._gate, self._deps.mark, prepared, verdict)
            if await self._recheck(waiting) and (done := await self._execute(waiting)):
                outcome, since = done
                recovery = await self._verify(waiting, outcome, since)
                await self._undo(waiting, recovery)
        count = self._deps.terms.max_attempts
        note = f"{count} attempts did not help; everything known is in the report"
        raise IncidentEnded(None, note, f"all {count} attempts")

    async def _begin(self, incident_id: str, *, anew: bool) -> int:
        """Find out whether it is real; return the number of the first attempt."""
        first, looking = 1, False
        if anew:
            first = await step("regrouped", Meanwhile(self._deps).anew, incident_id)
            await self._looks.stop_if_taken(incident_id)  # what was merged is triaged elsewhere
        elif incident_id != DBOS.workflow_id:
            first, looking = await step("again", SecondLook(self._deps).begun, incident_id)
        if not looking:
            await self._triage(incident_id)
        elif not await self._looks.again(incident_id):
            raise NothingNew(Ending.DISMISSED, "")
        return first

    async def _triage(self, incident_id: str) -> None:
        """Believe telemetry: contradicted is watched, then dismissed; unseen never is."""
        triage = await self._looks.triage(incident_id)
        self._deps.mark(Point.TRIAGED)
        if triage.not_mine is not None:
            raise IncidentEnded(Ending.HANDED_OVER, triage.not_mine.words)
        if triage.verdict is TriageVerdict.CONTRADICTED:
            raise IncidentEnded(Ending.DISMISSED, triage.reason)

    async def _diagnose(self, incident_id: str, number: int) -> None:
        await self._looks.stop_if_taken(incident_id)
        await self._looks.diagnose(incident_id, number)
        self._deps.mark(Point.DIAGNOSED)

    async def _plan(self, incident_id: str, number: int) -> Plan:
        answer = await self._ask.plan(incident_id, number)
        plan = answer.value
        if plan is None:
            raise IncidentEnded(Ending.HANDED_OVER, f"no plan could be made: {answer.missing}")
        kept = self._record.planned
        if await step("planned", kept, incident_id, number, plan, answer.effort):
            await self._looks.choose(incident_id, number)
        self._deps.mark(Point.PLANNED)
        if plan.kind is PlanKind.HANDOVER:
            raise IncidentEnded(Ending.HANDED_OVER, plan.reason)
        return plan

    async def _watch(self, incident_id: str, number: int, plan: Plan) -> None:
        note = "watched: it may heal by itself"
        since = await step("moved", self._record.moved, incident_id, Status.VERIFYING, note)
        patience = self._deps.terms.pace.watch
        recovery, _ = await self._looks.recovery(incident_id, number, since, patience)
        if recovery is Recovery.RECOVERED:
            raise IncidentEnded(Ending.HEALED, f"{plan.reason}; it healed")

    async def _prepare(self, incident_id: str, number: int) -> PreparedPlan:
        try:
            place, prepare = (incident_id, number), self._executor.prepare
            prepared = await released(self._gate, place, "prepare", prepare, incident_id, number)
        except PlatformError as error:
            raise IncidentEnded(Ending.HANDED_OVER, f"no safe action: {error}") from error
        finally:
            self._deps.mark(Point.PREPARED)
        if not any(prepared_step.requests for prepared_step in prepared.steps):
            raise IncidentEnded(Ending.HANDED_OVER, "everything is already as the plan wishes it")
        return prepared

    async def _review(self, prepared: PreparedPlan) -> Verdict:
        critic = await self._ask.critique(prepared.incident, prepared.attempt)
        verdict = await step("review", self._executor.review, prepared, critic.value)
        reviewed = self._record.reviewed
        await step("reviewed", reviewed, prepared.incident, prepared, verdict, critic.effort)
        self._deps.mark(Point.REVIEWED)
        if verdict.ruling is Ruling.DENY:
            note = f"denied by rule {verdict.rule}: {verdict.reason}; nothing was run"
            raise IncidentEnded(Ending.DENIED, note)
        return verdict

    async def _recheck(self, waiting: Waiting) -> bool:
        """Just before sending: healed or changed meanwhile means withdrawn, not run."""
        note = "the target changed since the plan was made; nothing was run"
        try:
            unchanged = await unheld(self._gate, waiting, "unchanged", self._executor.unchanged)
        except PlatformError as error:
            unchanged, note = False, str(error)
        healed = await self._looks.healed(waiting.incident, waiting.attempt)
        self._deps.mark(Point.RECHECKED)
        if unchanged and not healed:
            return True
        if healed:
            note = "it recovered by itself; nothing was run"
        await step("withdraw", self._gate.withdraw, waiting.incident, waiting.request, note)
        if healed:
            await step("moved", self._record.moved, waiting.incident, Status.VERIFYING, note)
            raise IncidentEnded(Ending.HEALED, note)
        return False

    async def _execute(self, waiting: Waiting) -> tuple[Outcome, datetime] | None:
        """Send what was approved; None when it may not begin any more, and nothing was sent."""
        incident_id, number = waiting.incident, waiting.attempt
        kept = await step("remains", self._executor.remains, waiting.request)
        if kept.remains or kept.missing:
            await step("kept", self._executor.keep, incident_id, number, kept)
        await step("started", self._record.started, incident_id, number, waiting.request)
        try:
            outcome = await unheld(self._gate, waiting, "execute", self._executor.execute)
        except NotPermitted as error:
            note = await self._void(waiting, str(error))
            if isinstance(error, OverLimit | NotExecuted):
                raise IncidentEnded(None, note) from error
            return None
        except ApprovalError as error:
            note = f"{error} Nothing was run."
            await step("withdraw", self._gate.withdraw, incident_id, waiting.request, note)
            await self._looks.stop_if_taken(incident_id)
            raise IncidentEnded(Ending.EXPIRED, note) from error
        since = await step("executed", self._record.executed, incident_id, number, outcome)
        self._deps.mark(Point.EXECUTED)
        if outcome.state is EffectState.UNKNOWN:
            note = "an action was sent and nobody can tell whether it landed: look, then decide"
            raise IncidentEnded(Ending.UNKNOWN, note)
        if not outcome.begun and outcome.halted:
            await self._void(waiting, outcome.halted)
            return None
        if outcome.halted and not outcome.torn:
            await self._looks.stop_if_taken(incident_id)
        return outcome, since

    async def _void(self, waiting: Waiting, why: str) -> str:
        """Withdraw a yes of which nothing was begun; the incident goes on, unless it is taken."""
        note = f"{why.rstrip('.')}; nothing was run"
        await step("withdraw", self._gate.withdraw, waiting.incident, waiting.request, note)
        await self._looks.stop_if_taken(waiting.incident)
        return note

    async def _verify(self, waiting: Waiting, outcome: Outcome, since: datetime) -> Recovery:
        """Return what telemetry says once the change has settled; recovered is the end."""
        incident_id, number = waiting.incident, waiting.attempt
        note = "telemetry decides whether it helped"
        await step("moved", self._record.moved, incident_id, Status.VERIFYING, note)
        pace = self._deps.terms.pace
        if outcome.state is EffectState.APPLIED:
            await self._looks.wait(incident_id, pace.settle, since)
            self._deps.mark(Point.SETTLED)
            patience = pace.settle + pace.within
            recovery, cause = await self._looks.recovery(incident_id, number, since, patience)
        else:  # refused half-way: take back what did apply, then try again
            recovery = Recovery.NOT_RECOVERED
            cause = await step("verified", self._record.verified, incident_id, number, recovery)
        self._deps.mark(Point.VERIFIED)
        if recovery is Recovery.RECOVERED:
            raise IncidentEnded(Ending.FIXED, cause)
        return recovery

    async def _undo(self, waiting: Waiting, recovery: Recovery) -> None:
        """Take back what did not help; nothing but the stop of the process holds this up."""
        incident_id, number = waiting.incident, waiting.attempt
        if recovery is Recovery.INCONCLUSIVE:
            note = "acted, but telemetry cannot say whether it helped; not taken back"
            raise IncidentEnded(Ending.FAILED, note)
        failed = "it did not help, and taking it back FAILED: a person must look now"
        try:
            outcome = await retry(
                lambda: unheld(self._gate, waiting, "undo", self._executor.undo),
                when=_passing,
                pauses=repeat(UNDO_PAUSE, UNDO_TRIES - 1),
                wait=lambda pause: self._looks.wait(incident_id, timedelta(seconds=pause)),
            )
        except PlatformError as error:
            self._deps.mark(Point.UNDONE)
            await step("undone", self._record.not_undone, incident_id, number, str(error))
            raise IncidentEnded(Ending.FAILED, failed) from error
        self._deps.mark(Point.UNDONE)
        since = await step("undone", self._record.undone, incident_id, number, outcome)
        if outcome.state is not EffectState.APPLIED:
            raise IncidentEnded(Ending.FAILED, failed)
        if outcome.effects:
            await self._looks.wait(incident_id, self._deps.terms.pace.settle, since)
            seen = await self._ask.verify(incident_id, number, since)
            await step("undo-verified", self._record.undo_verified, incident_id, number, seen)

    async def _close(
        self, incident_id: str, ending: Ending | None, note: str, limit: str = ""
    ) -> str:
        """End the incident, then report: a report that fails holds up no end."""
        status = await step("ended", self._record.ended, incident_id, ending, note, limit)
        if status not in ENDED:
            raise Regrouped
        report = await _faults(incident_id, self._ask.report(incident_id))
        self._deps.mark(Point.REPORTED)
        value, missing, effort = None, "", None
        if isinstance(report, Answer):
            value, missing, effort = report.value, report.missing, report.effort
        else:
            missing = _named(report)
        await step("archived", self._record.archived, incident_id, value, missing, effort)
        self._deps.mark(Point.CLOSED)
        return status


async def _faults(incident_id: str, work: Coroutine[Any, Any, R]) -> R | Exception:
    """Return what the work gives, or the fault of ours that stopped it."""
    try:
        return await work
    except (IncidentEnded, Regrouped, dbos_error.DBOSException, SQLAlchemyError):
        # The durable engine's own trouble stops the workflow; the next launch or the monitor
        # resumes it. Nothing of it may be taken for a fault of an agent.
        raise
    except Exception as error:  # border: whatever broke, the incident ends with a person
        if SLEEP.over:  # but the end of the process: the next launch resumes it
            raise
        log.exception("workflow failed", extra={"incident": incident_id})
        return error


def _passing(error: AiopsError) -> bool:
    """Whether an undo that could not begin may begin later."""
    return isinstance(error, PlatformError) and not isinstance(error, NotOurs)


def failed(error: Exception) -> str:
    """Return the note of an incident that ends because the agent itself failed."""
    return f"the agent itself failed ({_named(error)}); a person must look"


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
