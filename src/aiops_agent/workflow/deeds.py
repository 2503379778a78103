"""What acting and looking leave behind: one transaction each, safe to repeat."""

from aiops_agent.domain.answer import STATISTICS, Author, AuthorKind, Effort
from aiops_agent.domain.incident import Status
from aiops_agent.domain.payload import (
    ActionFinished,
    ActionStarted,
    UndoFinished,
    VerificationDone,
    VerificationSample,
)
from aiops_agent.domain.remediation import Outcome, Recovery, Verification
from aiops_agent.domain.value import Document
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.page import page

_SO_FAR = {
    Recovery.RECOVERED: "recovered",
    Recovery.NOT_RECOVERED: "not yet",
    Recovery.WORSE: "worse",
    Recovery.INCONCLUSIVE: "cannot tell",
}
_NEXT = {
    Recovery.RECOVERED: "telemetry says so",
    Recovery.NOT_RECOVERED: "what can be taken back is taken back",
    Recovery.WORSE: "taken back at once, as far as it can be",
    Recovery.INCONCLUSIVE: "telemetry cannot tell, so a person must",
}


class Deeds:
    """Writes what was done and what telemetry said after it."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def started(self, incident_id: str, number: int, request_id: str) -> None:
        """Say that the approved plan is about to be sent."""
        with page(self._deps, incident_id) as p:
            moved = p.incident.move(Status.REMEDIATING, "the approved plan runs", at=p.at)
            attempt = p.attempt(number).model_copy(update={"approval": request_id})
            p.keep(moved.amend(attempt))
            steps = attempt.prepared.steps if attempt.prepared else ()
            for ordinal, step in enumerate(steps, start=1):
                started = ActionStarted(attempt=number, step=ordinal, action=step.action)
                p.tell(started, step.run, f"{number}-{ordinal}")

    def executed(self, incident_id: str, number: int, outcome: Document) -> str:
        """Keep what was done; return the environment's time at which it was done."""
        done = Outcome.of(outcome)
        with page(self._deps, incident_id) as p:
            attempt = p.attempt(number).model_copy(update={"outcome": done})
            p.keep(p.incident.amend(attempt))
            step = attempt.prepared.steps[0] if attempt.prepared else None
            p.tell(
                ActionFinished(
                    attempt=number,
                    action=step.action if step else None,
                    risk=step.risk if step else None,
                    outcome=done,
                ),
                _words(done),
                str(number),
                effort=Effort(
                    by=Author(kind=AuthorKind.RULE, name="executor"),
                    took=(done.finished - done.started).total_seconds(),
                ),
            )
            return p.at.isoformat()

    def sampled(self, incident_id: str, number: int, look: int, reply: Document) -> str:
        """Keep one look at telemetry; return the recovery that it shows."""
        with page(self._deps, incident_id) as p:
            seen = (
                Verification.of(reply["answer"])
                if "answer" in reply
                else Verification(
                    recovery=Recovery.INCONCLUSIVE,
                    checks=(),
                    reason=f"telemetry could not be read: {reply['unseen']}",
                    at=p.at,
                )
            )
            kept = p.attempt(number).model_copy(update={"verification": seen})
            p.keep(p.incident.amend(kept))
            p.tell(
                VerificationSample(attempt=number, verification=seen),
                f"{_SO_FAR[seen.recovery]} · {seen.reason}",
                f"{number}-{look}",
                effort=Effort(by=STATISTICS, took=reply["took"]),
            )
            return seen.recovery

    def verified(self, incident_id: str, number: int, recovery: Recovery) -> None:
        """Keep the verdict of an attempt; what did not recover refutes its hypothesis."""
        helpless = recovery in (Recovery.NOT_RECOVERED, Recovery.WORSE)
        with page(self._deps, incident_id) as p:
            attempt = p.attempt(number)
            refuted = attempt.plan.hypothesis if attempt.plan and helpless else ""
            kept = p.incident.amend(attempt.model_copy(update={"refuted": refuted}))
            p.keep(kept.model_copy(update={"recovery": recovery}))
            seen = attempt.verification
            p.tell(
                VerificationDone(attempt=number, recovery=recovery, verification=seen),
                f"verdict: {_spoken(recovery)}; {_NEXT[recovery]}",
                str(number),
            )

    def undone(self, incident_id: str, number: int, reply: Document) -> Document | None:
        """Keep what was taken back, or that nothing can be; return the outcome, if there is one."""
        with page(self._deps, incident_id) as p:
            if "outcome" not in reply:
                failed = UndoFinished(attempt=number, failed=reply["unreadable"])
                p.tell(failed, f"NOT taken back: {reply['unreadable']}", str(number))
                return None
            outcome: Document = reply["outcome"]
            done = Outcome.of(outcome)
            p.keep(p.incident.amend(p.attempt(number).model_copy(update={"undo": done})))
            words = f"taken back: {_words(done)}" if done.effects else "nothing to take back"
            p.tell(UndoFinished(attempt=number, outcome=done), words, str(number))
            return outcome

    def undo_verified(self, incident_id: str, number: int, verification: Document) -> None:
        """Keep what telemetry says after taking back."""
        seen = Verification.of(verification)
        with page(self._deps, incident_id) as p:
            attempt = p.attempt(number).model_copy(update={"undo_verification": seen})
            p.keep(p.incident.amend(attempt))
            message = f"after taking back: {_spoken(seen.recovery)} · {seen.reason}"
            sample = VerificationSample(attempt=number, verification=seen, after_undo=True)
            p.tell(sample, message, f"{number}-undo")


def _spoken(recovery: Recovery) -> str:
    return recovery.replace("_", " ")


def _words(outcome: Outcome) -> str:
    if not outcome.effects:
        return "nothing was sent"
    return " · ".join(
        f"{effect.words}: {effect.state}{' (' + effect.note + ')' if effect.note else ''}"
        for effect in outcome.effects
    )
