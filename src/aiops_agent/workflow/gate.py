"""The pause for a person: asked durably, reminded once, decided elsewhere, expired into no."""

from dataclasses import dataclass
from datetime import datetime

from aiops_agent.domain import payload
from aiops_agent.domain.answer import Author, AuthorKind, Effort
from aiops_agent.domain.approval import (
    ApprovalRequest,
    ApprovalState,
    Decision,
    RefusedAnswer,
    Ruling,
    Surface,
    Verdict,
)
from aiops_agent.domain.errors import ApprovalError, UsageError
from aiops_agent.domain.facts import PersonNote
from aiops_agent.domain.incident import Incident, Status
from aiops_agent.domain.remediation import PreparedPlan
from aiops_agent.domain.value import Value
from aiops_agent.ports.store import View
from aiops_agent.safety import approve, times
from aiops_agent.workflow.deps import Deps, IncidentTransaction, incident_of, transaction


class Settled(Value):
    """What became of a request for approval, in words for the incident's end."""

    state: ApprovalState
    words: str
    taken_over: bool
    anew: bool  # the clock was set back: it is to be asked once more


@dataclass(frozen=True)
class Gate:  # limit: every way in which a question is put, answered and ended
    """Keeps requests for approval; every method is one transaction, safe to repeat."""

    deps: Deps

    def ask(self, prepared: PreparedPlan, verdict: Verdict) -> str:
        """Store the request before anybody is asked and return its id; policy may answer.

        It is "" where people changed the incident's alerts since the plan was begun.
        """
        with transaction(self.deps, prepared.incident) as t:
            if t.incident.regrouped or t.incident.merged_into:
                return ""  # the plan was made for other alerts: nobody is asked about it
            request = t.work.approvals.ask(self._request(prepared, verdict, t.wall))
            moved = t.incident.move(Status.AWAITING_APPROVAL, "waits for a person", at=t.at)
            t.keep(moved)
            if prepared.asked > 1:  # under its new digest
                t.keep(
                    moved.amend(
                        t.attempt(prepared.attempt).model_copy(update={"prepared": prepared})
                    )
                )
            if verdict.ruling is Ruling.ALLOW and request.state is ApprovalState.PENDING:
                decision = Decision(
                    digest=request.digest,
                    approve=True,
                    by=f"rule {verdict.rule}",
                    surface=Surface.POLICY,
                    at=t.wall,
                    reason=verdict.reason,
                )
                answered = approve.decide(t.work, request, decision)
                self._tell_answer(t, answered, decision)
            elif request.state is ApprovalState.PENDING:
                pending = payload.ApprovalPending(
                    approval=request.id, digest=request.digest, expires_at=request.expires_at
                )
                message = f"plan {request.digest[:12]} waits for a yes or a no"
                t.tell(pending, message, request.id)
            return request.id

    def look(self, incident_id: str, request_id: str) -> float:
        """Return how many seconds to wait for an answer; 0 when there is one, or an end.

        Reminds at half time and lets the request expire when its time is over.
        """
        with transaction(self.deps, incident_id) as t:
            now = t.wall
            request = t.work.approvals.get(request_id)
            if request is None or request.state is not ApprovalState.PENDING:
                return 0.0
            state, over = ApprovalState.EXPIRED, ""
            if t.incident.takeover:
                state, over = ApprovalState.WITHDRAWN, "a person took the incident over"
            elif now >= request.expires_at:
                over = "nobody answered; nothing was run"
            if over:
                self._end(t, request, state, over)
                return 0.0
            if now >= request.remind_at:
                left = (request.expires_at - now).total_seconds()
                reminder = payload.ApprovalReminder(
                    approval=request.id, digest=request.digest, expires_at=request.expires_at
                )
                message = f"still waiting for an answer, {left / 60:.0f} min left"
                t.tell(reminder, message, request.id)
                return left
            return (request.remind_at - now).total_seconds()

    def withdraw(self, incident_id: str, request_id: str, note: str) -> None:
        """End an unused request because the world moved on."""
        with transaction(self.deps, incident_id) as t:
            request = t.work.approvals.get(request_id)
            if request is not None:
                self._end(t, request, ApprovalState.WITHDRAWN, note)
                t.work.ledger.release(incident_id)

    def void(self, t: IncidentTransaction, note: str) -> None:
        """End the newest request of an incident, where it is unused, within its transaction."""
        request = t.work.approvals.latest(t.incident.id)
        if request is not None:
            self._end(t, request, ApprovalState.WITHDRAWN, note)

    def held(self, incident_id: str, number: int, why: str) -> None:
        """Say why nothing is sent for the present."""
        with transaction(self.deps, incident_id) as t:
            key = f"{number}-{self.deps.now().isoformat()}"
            t.tell(payload.ActionHeld(attempt=number, why=why), f"nothing is sent now: {why}", key)

    def get(self, request_id: str) -> ApprovalRequest:
        """Return a request that is known to be there."""
        with self.deps.store.read() as view:
            return _known(view, request_id)

    def answer_to(self, request_id: str) -> Settled:
        """Return how a request was settled, and whether a person took the incident over."""
        request = self.get(request_id)
        taken_over = incident_of(self.deps, request.incident).takeover
        reason = request.decision.reason if request.decision else ""
        because = f" because: {reason}" if reason else ""
        expired = request.state is ApprovalState.EXPIRED
        words = request.note if expired else f"{approve.ending(request)}{because}"
        anew = request.note == times.SET_BACK  # withdrawn, then
        return Settled(state=request.state, words=words, taken_over=taken_over, anew=anew)

    def answer(self, request_id: str, decision: Decision) -> ApprovalRequest:
        """Give a request its answer, wake the workflow, record it; ApprovalError says why not."""
        request = self.get(request_id)
        decision = decision.model_copy(update={"reason": self.deps.clean(decision.reason)})
        try:
            with transaction(self.deps, request.incident) as t:
                found = _known(t.work, request_id)
                decision = decision.model_copy(update={"at": t.wall})  # not when it was typed
                if t.incident.ended:
                    raise ApprovalError(f"{t.incident.id} has ended: {t.incident.status}.")
                if t.incident.takeover:
                    raise ApprovalError(f"{t.incident.id} was taken over by a person.")
                answered = approve.decide(t.work, found, decision)
                self._tell_answer(t, answered, decision)
                t.work.wake(t.incident.story, f"{request.id}:answer")
                return answered
        except ApprovalError as error:
            self.refuse(request_id, str(error), decision)
            raise

    def refuse(self, request_id: str, why: str, answer: Decision | None = None) -> None:
        """Keep in the audit that an answer does not count; None is a file that cannot be read.

        The incident tells of it while the question stands: what comes later changes nothing of it.
        An answer to an unknown request leaves no trace.
        """
        with self.deps.store.read() as view:
            request = view.approvals.get(request_id)
        if request is None:
            return
        with transaction(self.deps, request.incident) as t:
            now = t.wall
            found = _known(t.work, request_id)
            refused = _refused(found, why, answer, now)
            t.work.approvals.refuse(refused)
            if not _stands(t.incident, found, now):
                return
            surface = refused.surface
            told = payload.ApprovalRefused(
                approval=found.id, by=refused.by, surface=surface, why=why
            )
            message = f"an answer ({surface}) was refused: {why}"
            t.tell(told, message, f"{found.id}:{now.isoformat()}")

    def take_over(self, incident_id: str, by: str, reason: str) -> Incident:
        """Mark the incident as taken over by a person, say so, and wake its workflow."""
        with transaction(self.deps, incident_id) as t:
            _going_on(t.incident)
            taken = t.incident.model_copy(update={"takeover": True})
            t.keep(taken)
            reason = self.deps.clean(reason)
            why = f": {reason}" if reason else ""
            effort = Effort(by=Author(kind=AuthorKind.PERSON, name=by))
            message = f"taken over by a person{why}"
            moved = payload.IncidentMoved(by=by, reason=reason)
            t.tell(moved, message, "takeover", effort=effort)
            t.work.wake(t.incident.story, f"{t.incident.story}:takeover")
            return taken

    def reopen(self, incident_id: str, by: str, reason: str) -> Incident:
        """Let an incident that has ended go on under a new story; raises UsageError."""
        with transaction(self.deps, incident_id) as t:
            if not t.incident.ended or not t.incident.closed or t.incident.looking:
                raise UsageError(f"{t.incident.id} is {t.incident.status} and goes on already.")
            reason = self.deps.clean(reason)
            why = f": {reason}" if reason else ""
            about = t.reopen(f"reopened by a person{why}")
            effort = Effort(by=Author(kind=AuthorKind.PERSON, name=by))
            told = payload.IncidentReopened(by=by, reason=reason)
            about.tell(told, about.incident.note, "again", effort=effort)
            return about.incident

    def note(self, incident_id: str, by: str, text: str) -> Incident:
        """Keep what a person says of the incident, and say so; every later question reads it."""
        text = self.deps.clean(text)
        with transaction(self.deps, incident_id) as t:
            _going_on(t.incident)
            note = PersonNote(by=by, at=self.deps.now(), text=text)
            noted = t.incident.model_copy(update={"notes": (*t.incident.notes, note)})
            t.keep(noted)
            effort = Effort(by=Author(kind=AuthorKind.PERSON, name=by))
            key = str(len(noted.notes))
            told = payload.IncidentNoted(note=note)
            t.tell(told, f"a person says: {text}", key, effort=effort)
            return noted

    def _request(self, plan: PreparedPlan, verdict: Verdict, now: datetime) -> ApprovalRequest:
        expires = self.deps.terms.expires
        return ApprovalRequest(
            id=plan.approval,
            incident=plan.incident,
            digest=plan.digest,
            prepared=plan,
            verdict=verdict,
            state=ApprovalState.PENDING,
            asked_at=now,
            expires_at=now + expires,
            remind_at=now + expires / 2,
        )

    def _tell_answer(
        self, t: IncidentTransaction, answered: ApprovalRequest, decision: Decision
    ) -> None:
        why = f": {decision.reason}" if decision.reason else ""
        kind = AuthorKind.PERSON if decision.surface.by_person else AuthorKind.RULE
        by = Author(kind=kind, name=decision.by.removeprefix("rule "))
        waited = (decision.at - answered.asked_at).total_seconds()
        decided = payload.ApprovalDecided(approval=answered.id, decision=decision, waited=waited)
        message = f"{approve.ending(answered)} · plan {answered.digest[:12]}{why}"
        t.tell(decided, message, answered.id, effort=Effort(by=by))

    def _end(
        self, t: IncidentTransaction, request: ApprovalRequest, state: ApprovalState, note: str
    ) -> None:
        if approve.end(t.work, request, state, note) is not None:
            t.tell(
                payload.ApprovalEnded(
                    approval=request.id, digest=request.digest, state=state, why=note
                ),
                f"plan {request.digest[:12]} {state}: {note}",
                request.id,
            )


def _known(view: View, request_id: str) -> ApprovalRequest:
    found = view.approvals.get(request_id)
    if found is None:
        raise ApprovalError(f"There is no approval {request_id}.")
    return found


def _going_on(incident: Incident) -> None:
    """Refuse what comes after the end, also when the end came while it was on its way."""
    if incident.ended:
        raise UsageError(f"{incident.id} has ended already: {incident.status}.")
    if incident.merged_into:
        raise UsageError(f"{incident.id} was merged into {incident.merged_into}: go on there.")


def _stands(incident: Incident, request: ApprovalRequest, now: datetime) -> bool:
    """Whether a question can still be answered."""
    over = incident.ended or incident.takeover or now >= request.expires_at
    return request.state is ApprovalState.PENDING and not over


def _refused(
    request: ApprovalRequest, why: str, answer: Decision | None, now: datetime
) -> RefusedAnswer:
    return RefusedAnswer(
        request=request.id,
        incident=request.incident,
        plan=answer.digest if answer else "",
        approve=answer.approve if answer else None,
        by=answer.by if answer else "",
        surface=answer.surface if answer else Surface.FILE,
        at=now,
        reason=answer.reason if answer else "",
        why=why,
    )
