"""Which block belongs below which event, and from which documents it is drawn."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError
from rich.console import RenderableType
from rich.text import Text

from aiops_agent.domain.approval import ApprovalRequest, ApprovalState, Ruling, Verdict
from aiops_agent.domain.diagnosis import Diagnosis
from aiops_agent.domain.event import Event, EventType
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.remediation import Plan, Verification
from aiops_agent.interfaces.terminal.cause import root_cause
from aiops_agent.interfaces.terminal.evidence import evidence
from aiops_agent.interfaces.terminal.plan import plan, proposal
from aiops_agent.interfaces.terminal.verification import checks


@dataclass(frozen=True)
class Blocks:
    """Draws from the event's own documents, so that a replay shows what was known then.

    `incident` and `approval` look up by id and may return None.
    """

    incident: Callable[[str], Incident | None]
    approval: Callable[[str], ApprovalRequest | None]

    def below(self, event: Event, width: int) -> list[RenderableType]:
        """Return what is shown below the event's line; empty for most events."""
        try:
            return self._below(event, width)
        except ValidationError:
            # Written by another version of us: the line stands, the block is left out.
            return []

    def _below(self, event: Event, width: int) -> list[RenderableType]:
        match event.type:
            case EventType.DIAGNOSIS_READY if event.data.get("diagnosis"):
                found = Diagnosis.of(event.data["diagnosis"])
                return [Text(""), evidence(found, width), root_cause(found)]
            case EventType.PLAN_PROPOSED if event.data.get("plan"):
                chosen = Plan.of(event.data["plan"])
                return [] if chosen.actions else [proposal(chosen)]
            case EventType.POLICY_DECIDED if event.data.get("verdict"):
                return self._decided(event, Verdict.of(event.data["verdict"]))
            case EventType.APPROVAL_PENDING:
                return self._waiting(str(event.data.get("approval", "")))
            case EventType.VERIFICATION_DONE if event.data.get("verification"):
                seen = Verification.of(event.data["verification"])
                return [Text(""), checks(seen, width), Text("")] if seen.checks else []
            case _:
                return []

    def _decided(self, event: Event, verdict: Verdict) -> list[RenderableType]:
        """Show a plan that nobody is asked about, with policy's yes or no."""
        incident = self.incident(event.incident)
        prepared = [a.prepared for a in incident.attempts if a.prepared] if incident else []
        shown = [p for p in prepared if p.digest == event.data.get("digest", p.digest) and p.steps]
        if verdict.ruling is Ruling.ASK or not shown:
            return []
        return [plan(shown[-1], verdict)]

    def _waiting(self, request_id: str) -> list[RenderableType]:
        """Show a plan that waits; also when it is answered by now: here, it did wait."""
        request = self.approval(request_id)
        if request is None or request.verdict.ruling is not Ruling.ASK:
            return []
        until = request.expires_at if request.state is ApprovalState.PENDING else None
        return [plan(request.prepared, request.verdict, waiting=True, until=until)]
