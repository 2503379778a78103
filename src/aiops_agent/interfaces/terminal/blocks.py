"""Which block belongs below which event, and from which payload it is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from aiops_agent.domain import payload
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState, Ruling
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.model import ModelCall
from aiops_agent.interfaces.terminal.evidence import checks, evidence, root_cause
from aiops_agent.interfaces.terminal.plan import plan, proposal
from aiops_agent.interfaces.terminal.reasoned import second_opinion


@dataclass(frozen=True)
class Blocks:
    """Draws from the event's own payload, so that a replay shows what was known then.

    `incident` and `approval` look up by id and may return None; `calls` returns what was sent to
    models for an incident.
    """

    incident: Callable[[str], Incident | None]
    approval: Callable[[str], ApprovalRequest | None]
    calls: Callable[[str], Sequence[ModelCall]] = lambda _incident: ()

    def below(self, event: Event, width: int) -> list[RenderableType]:
        """Return what is shown below the event's line; empty for most events."""
        match event.payload:
            case payload.DiagnosisReady(diagnosis=found):
                return [Text(""), evidence(found, width), root_cause(found)]
            case payload.DiagnosisReasoned(opinion=opinion, confidence=left):
                return [second_opinion(opinion, left)]
            case payload.PlanProposed(plan=chosen):
                return [] if chosen.actions else [proposal(chosen)]
            case payload.PolicyDecided() as said:
                return self._decided(event.incident, said)
            case payload.ApprovalPending(approval=request):
                return self._waiting(request)
            case payload.VerificationDone(verification=seen) if seen and seen.checks:
                return [Text(""), checks(seen, width), Text("")]
            case _:
                return []

    def _decided(self, name: str, said: payload.PolicyDecided) -> list[RenderableType]:
        """Show a plan that nobody is asked about, with policy's yes or no."""
        incident = self.incident(name)
        prepared = [a.prepared for a in incident.attempts if a.prepared] if incident else []
        shown = [p for p in prepared if p.digest == said.digest and p.steps]
        if said.verdict.ruling is Ruling.ASK or not shown:
            return []
        return [plan(shown[-1], said.verdict)]

    def _waiting(self, request_id: str) -> list[RenderableType]:
        """Show a plan that waits; also when it is answered by now: here, it did wait."""
        request = self.approval(request_id)
        if request is None or request.verdict.ruling is not Ruling.ASK:
            return []
        until = request.expires_at if request.state is ApprovalState.PENDING else None
        return [plan(request.prepared, request.verdict, waiting=True, until=until)]
