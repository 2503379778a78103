"""Asks whether a plan may be sent, until there is an answer: the wait is a row, not a thread."""

from dbos import DBOS

from aiops_agent.domain.approval import ApprovalState, Verdict
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.point import Mark, Point
from aiops_agent.domain.remediation import PreparedPlan
from aiops_agent.workflow.durable import step
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.hold import Waiting
from aiops_agent.workflow.questions import TAKEN_OVER
from aiops_agent.workflow.recorder import IncidentEnded, Regrouped

MOST_ASKED = 5  # a clock that is set back more often is no clock to go by


async def consent(gate: Gate, mark: Mark, prepared: PreparedPlan, verdict: Verdict) -> Waiting:
    """Return the question that was answered with yes; any other end of it ends the incident.

    A clock that was set back voids a question and no plan: it is asked anew, under another digest.
    Raises Regrouped when people changed the alerts for which the plan was made.
    """
    for asked in range(1, MOST_ASKED + 1):
        again = prepared.model_copy(update={"asked": asked})
        request_id = await step("ask", gate.ask, again, verdict)
        if not request_id:
            raise Regrouped
        mark(Point.ASKED)
        waiting = Waiting(incident=prepared.incident, attempt=prepared.attempt, request=request_id)
        if not await _answered(gate, mark, waiting):
            return waiting
    note = f"the clock was set back {MOST_ASKED} times while it was asked; nothing was run"
    raise IncidentEnded(Ending.EXPIRED, note)


async def _answered(gate: Gate, mark: Mark, waiting: Waiting) -> bool:
    """Wait for the answer as long as it takes; return whether it must be asked anew."""
    while wait := await step("look", gate.look, waiting.incident, waiting.request):
        mark(Point.WAITING)
        await DBOS.recv_async("wake", timeout_seconds=wait)
    answer = await step("answer", gate.answer_to, waiting.request)
    mark(Point.DECIDED)
    if answer.taken_over:
        raise IncidentEnded(Ending.TAKEN_OVER, TAKEN_OVER)
    if answer.state is ApprovalState.REJECTED:
        raise IncidentEnded(Ending.REJECTED, f"{answer.words}; nothing was run")
    if answer.state is ApprovalState.EXPIRED:
        raise IncidentEnded(Ending.EXPIRED, answer.words)
    if answer.state is ApprovalState.WITHDRAWN and not answer.anew:
        raise Regrouped
    return answer.anew
