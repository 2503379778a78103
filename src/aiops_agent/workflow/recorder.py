"""What each phase leaves behind: one transaction per phase.

They are called as checkpointed steps, so after a crash they may run again: keys make the repeat
harmless.
"""

# limit: every phase writes here, so that one file shows what an incident may become

from datetime import datetime

from aiops_agent.domain import payload
from aiops_agent.domain.answer import Answer, Author, AuthorKind, Effort
from aiops_agent.domain.approval import Verdict
from aiops_agent.domain.diagnosis import Diagnosis, Triage, TriageVerdict
from aiops_agent.domain.incident import Attempt, Ending, Status
from aiops_agent.domain.point import Point
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.reasoning import PlanPick, SecondOpinion
from aiops_agent.domain.remediation import (
    Outcome,
    Plan,
    PlanKind,
    PreparedPlan,
    Recovery,
    Verification,
)
from aiops_agent.domain.runbook import matching
from aiops_agent.domain.watch import SEEN_BY_WATCH
from aiops_agent.memory.recall import case_of
from aiops_agent.reasoning.weigh import lowered
from aiops_agent.safety import limits
from aiops_agent.workflow.again import known
from aiops_agent.workflow.deps import Deps, IncidentTransaction, incident_of, transaction

_NOTHING_RUN = {
    PlanKind.WATCH: "watch, change nothing",
    PlanKind.HANDOVER: "hand over to a person",
}
_MOST_RUNBOOKS = 3  # beside a plan: whoever approves it reads no more
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
_ENDED = {
    Status.RESOLVED: payload.IncidentResolved,
    Status.DISMISSED: payload.IncidentDismissed,
    Status.ESCALATED: payload.IncidentEscalated,
}


class IncidentEnded(Exception):
    """Nothing more happens in this incident; no ending means that the agent gives up.

    `limit` says in words which limit was reached.
    """

    def __init__(self, ending: Ending | None, note: str, limit: str = "") -> None:
        super().__init__(note)
        self.ending, self.note, self.limit = ending, note, limit


class Regrouped(Exception):
    """People changed the alerts of this incident: it begins anew, at triage."""


class IncidentRecorder:  # limit: one writer of the incident, a short method per phase
    """Writes the incident and its events; what it returns is what the next phase needs."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def moved(self, incident_id: str, status: Status, note: str) -> datetime:
        """Move the incident along, which a repeat does not; return the environment's time."""
        with transaction(self._deps, incident_id) as t:
            t.keep(t.incident.move(status, note, at=t.at))
            return t.at

    def triaged(
        self, incident_id: str, look: int, answer: Answer[Triage]
    ) -> tuple[Triage, datetime]:
        """Keep what triage saw and when the trouble began; return it and the time of the look."""
        with transaction(self._deps, incident_id) as t:
            seen = answer.value or Triage(
                verdict=TriageVerdict.UNSEEN,
                severity=t.incident.severity,
                service=t.incident.service,
                signal=None,
                impact="",
                reason=f"telemetry could not be read: {answer.missing}",
                missing=(answer.missing,),
            )
            began = min(seen.began or t.incident.started_at, t.incident.started_at)
            facts = {"triage": seen, "severity": seen.severity, "started_at": began}
            title = seen.impact if seen.verdict is TriageVerdict.CONFIRMED else ""
            title += f" · {SEEN_BY_WATCH}" if title and t.incident.watched else ""
            t.keep(t.incident.model_copy(update={**facts, "title": title or t.incident.title}))
            message = f"{seen.severity} · {seen.verdict} · {seen.impact or seen.reason}"
            key = f"{t.incident.groupings}.{look}" if t.incident.groupings else str(look)
            t.tell(payload.TriageDone(triage=seen), message, key, effort=answer.effort)
            return seen, t.at

    def unsure(
        self, incident_id: str, number: int, look: int, answer: Answer[Diagnosis]
    ) -> tuple[str, datetime]:
        """Say that a diagnosis saw nothing, or too little; return the reason and the time."""
        why = answer.value.summary if answer.value else answer.missing
        did = "not sure yet, looking again" if answer.value else "cannot see, trying again"
        with transaction(self._deps, incident_id) as t:
            key = f"unsure-{number}-{look}"
            t.tell(
                payload.EvidenceAdded(attempt=number), f"{did}: {why}", key, effort=answer.effort
            )
            return why, t.at

    def diagnosed(
        self, incident_id: str, number: int, found: Diagnosis, effort: Effort
    ) -> bool | None:
        """Keep the diagnosis of an attempt and its findings; return whether a model is asked.

        None is what a version without models kept.
        """
        with transaction(self._deps, incident_id) as t:
            began = min(found.began or t.incident.started_at, t.incident.started_at)
            moved = t.incident.move(Status.DIAGNOSING, found.summary, at=t.at)
            moved = moved.model_copy(update={"started_at": began})
            t.keep(moved.amend(Attempt(number=number, diagnosis=found)))
            for finding in (f for f in found.findings if f.changed):
                added = payload.EvidenceAdded(attempt=number, finding=finding)
                words = f"{finding.service} {finding.what} {finding.before} → {finding.now}"
                t.tell(added, words, f"{number}-{finding.id}", refs=(finding.id,))
            evidence = found.best.evidence if found.best else ()
            refs = tuple(dict.fromkeys(e.finding for e in evidence))
            ready = payload.DiagnosisReady(attempt=number, diagnosis=found)
            message = f"{found.summary} · {found.confidence} confidence"
            t.tell(ready, message, str(number), refs=refs, effort=effort)
            return self._deps.crew_of(t.incident.environment).reason is not None

    def reasoned(self, incident_id: str, number: int, answer: Answer[SecondOpinion]) -> None:
        """Keep what a model makes of the diagnosis; where it disagrees, less is sure."""
        opinion = answer.value
        with transaction(self._deps, incident_id) as t:
            diagnosis = t.attempt(number).diagnosis
            if opinion is None or diagnosis is None:
                t.handed("diagnose", answer.lost, f"reason-{number}")
                return
            left = lowered(diagnosis, opinion)
            t.amend(number, diagnosis=left, reasoned=opinion)
            told = payload.DiagnosisReasoned(
                attempt=number, opinion=opinion, confidence=left.confidence
            )
            shown = dict.fromkeys(one.claim.evidence for one in opinion.supported)
            fell = f" · {left.confidence} confidence" if opinion.lowered else ""
            message = f"{opinion.stand.replace('_', ' ')} · {opinion.words}{fell}"
            t.tell(told, message, str(number), refs=tuple(shown), effort=answer.effort)

    def planned(self, incident_id: str, number: int, plan: Plan, effort: Effort) -> bool | None:
        """Keep the plan of an attempt; return whether a model is asked what it would do.

        None is what a version without models kept.
        """
        with transaction(self._deps, incident_id) as t:
            alerts = t.work.alerts.of_incident(incident_id)
            hits = matching(self._deps.runbooks, t.incident, alerts)[:_MOST_RUNBOOKS]
            plan = plan.model_copy(update={"advice": tuple(hit.about(plan) for hit in hits)})
            t.amend(number, plan=plan)
            what = ", then ".join(a.text for a in plan.actions) or _NOTHING_RUN[plan.kind]
            proposed = payload.PlanProposed(attempt=number, plan=plan)
            t.tell(proposed, f"{what} · {plan.reason}", str(number), effort=effort)
            crew = self._deps.crew_of(t.incident.environment)
            return crew.choose is not None and plan.kind is PlanKind.ACT

    def chosen(self, incident_id: str, number: int, answer: Answer[PlanPick]) -> None:
        """Keep which candidate a model would take."""
        pick = answer.value
        with transaction(self._deps, incident_id) as t:
            if pick is None:
                t.handed("plan", answer.lost, f"choose-{number}")
                return
            t.amend(number, pick=pick)
            told = payload.PlanReasoned(attempt=number, pick=pick)
            same = "dissents" if pick.dissent else "agrees"
            t.tell(told, f"{same} · a model {pick.words}", str(number), effort=answer.effort)

    def reviewed(
        self, incident_id: str, prepared: PreparedPlan, verdict: Verdict, critic: Effort
    ) -> None:
        """Keep what policy says of a prepared plan; the effort is the critic's."""
        number = prepared.attempt
        with transaction(self._deps, incident_id) as t:
            t.amend(number, verdict=verdict)
            decided = payload.PolicyDecided(attempt=number, digest=prepared.digest, verdict=verdict)
            message = f"{verdict.ruling} · rule {verdict.rule} · {verdict.reason}"
            t.tell(decided, message, str(number), effort=critic)

    def started(self, incident_id: str, number: int, request_id: str) -> None:
        """Say that the approved plan is about to be sent."""
        with transaction(self._deps, incident_id) as t:
            moved = t.incident.move(Status.REMEDIATING, "the approved plan runs", at=t.at)
            attempt = t.attempt(number).model_copy(update={"approval": request_id})
            t.keep(moved.amend(attempt))
            steps = attempt.prepared.steps if attempt.prepared else ()
            for ordinal, step in enumerate(steps, start=1):
                started = payload.ActionStarted(attempt=number, step=ordinal, action=step.action)
                t.tell(started, step.run, f"{number}-{ordinal}")

    def executed(self, incident_id: str, number: int, done: Outcome) -> datetime:
        """Keep what was done; return the environment's time at which it was done."""
        with transaction(self._deps, incident_id) as t:
            # What was never begun was not tried: it may be planned again.
            attempt = t.amend(number, outcome=done if done.begun or not done.effects else None)
            step = attempt.prepared.steps[0] if attempt.prepared else None
            finished = payload.ActionFinished(
                attempt=number,
                action=step.action if step else None,
                risk=step.risk if step else None,
                outcome=done,
            )
            by = Author(kind=AuthorKind.RULE, name="executor")
            effort = Effort(by=by, took=(done.finished - done.started).total_seconds())
            t.tell(finished, _words(done), str(number), effort=effort)
            return t.at

    def sampled(
        self, incident_id: str, number: int, look: int, answer: Answer[Verification]
    ) -> tuple[Recovery, datetime]:
        """Keep one look at telemetry; return the recovery that it shows and its time."""
        with transaction(self._deps, incident_id) as t:
            seen = answer.value or Verification(
                recovery=Recovery.INCONCLUSIVE,
                checks=(),
                reason=f"telemetry could not be read: {answer.missing}",
                at=t.at,
                blind=t.at,
            )
            t.amend(number, verification=seen)
            sample = payload.VerificationSample(attempt=number, verification=seen)
            message = f"{_SO_FAR[seen.recovery]} · {seen.reason}"
            t.tell(sample, message, f"{number}-{look}", effort=answer.effort)
            return seen.recovery, t.at

    def verified(self, incident_id: str, number: int, recovery: Recovery) -> str:
        """Keep the verdict of an attempt; what did not recover refutes its hypothesis.

        Return the summary of the attempt's diagnosis.
        """
        helpless = recovery in (Recovery.NOT_RECOVERED, Recovery.WORSE)
        with transaction(self._deps, incident_id) as t:
            attempt = t.attempt(number)
            refuted = attempt.plan.hypothesis if attempt.plan and helpless else ""
            kept = t.incident.amend(attempt.model_copy(update={"refuted": refuted}))
            t.keep(kept.model_copy(update={"recovery": recovery}))
            seen = attempt.verification
            done = payload.VerificationDone(attempt=number, recovery=recovery, verification=seen)
            t.tell(done, f"verdict: {_spoken(recovery)}; {_NEXT[recovery]}", str(number))
            return attempt.diagnosis.summary if attempt.diagnosis else ""

    def undone(self, incident_id: str, number: int, done: Outcome) -> datetime:
        """Keep what was taken back; return the environment's time."""
        with transaction(self._deps, incident_id) as t:
            t.amend(number, undo=done)
            t.work.ledger.release(incident_id)
            words = f"taken back: {_words(done)}" if done.effects else "nothing to take back"
            t.tell(payload.UndoFinished(attempt=number, outcome=done), words, str(number))
            return t.at

    def not_undone(self, incident_id: str, number: int, why: str) -> None:
        """Say that nothing could be taken back, because the platform cannot be read."""
        with transaction(self._deps, incident_id) as t:
            failed = payload.UndoFinished(attempt=number, failed=why)
            t.tell(failed, f"NOT taken back: {why}", str(number))

    def undo_verified(self, incident_id: str, number: int, answer: Answer[Verification]) -> None:
        """Keep what telemetry says after taking back, if it says anything."""
        if (seen := answer.value) is None:
            return
        with transaction(self._deps, incident_id) as t:
            t.amend(number, undo_verification=seen)
            sample = payload.VerificationSample(attempt=number, verification=seen, after_undo=True)
            message = f"after taking back: {_spoken(seen.recovery)} · {seen.reason}"
            t.tell(sample, message, f"{number}-undo", effort=answer.effort)

    def ended(self, incident_id: str, ending: Ending | None, note: str, limit: str = "") -> Status:
        """Move the incident to its end and say so; return the status.

        No ending: the agent gave up, and failed if anything was sent. What people merged ends as
        that; what they changed in the same moment does not end yet.
        """
        with transaction(self._deps, incident_id) as now:
            if now.incident.merged_into:
                ending, note = Ending.MERGED, f"merged into {now.incident.merged_into} by a person"
            elif now.incident.regrouped and ending and not now.incident.takeover:
                return now.incident.status
            t = now.reopen(note) if now.incident.looking else now  # a broken look is a person's
            ending = ending or (Ending.FAILED if t.incident.acted else Ending.HANDED_OVER)
            moved = t.incident.move(ending.status, note, at=t.at)
            if not t.incident.ended:
                limits.note_end(t.work, t.incident, ending, t.at)
            limit = limit or _seconds_gone(t, self._deps.terms.model_seconds)
            t.keep(moved.model_copy(update={"ending": ending, "cut_short": limit}))
            severity, quiet = t.incident.severity, known(t, ending, self._deps.terms.flap_window)
            ended = _ENDED[ending.status](ending=ending, severity=severity, quiet=quiet)
            t.tell(ended, note, "end")
            return ending.status

    def archived(
        self, incident_id: str, report: Postmortem | None, missing: str, effort: Effort | None
    ) -> None:
        """Put the case into memory, with its report or the reason why there is none."""
        self._deps.memory.remember(case_of(incident_of(self._deps, incident_id)), report)
        with transaction(self._deps, incident_id) as t:
            words = "report written" if report else f"no report: {missing}"
            t.keep(t.incident.model_copy(update={"closed": True}))
            written = payload.ReportWritten(failed="" if report else missing)
            t.tell(written, f"{words}; kept in memory", "end", effort=effort)
        self._deps.mark(Point.ARCHIVED)


def _seconds_gone(t: IncidentTransaction, limit: float) -> str:
    spent = t.work.calls.spending(incident=t.incident.id).seconds
    return f"all {limit:g} seconds for models" if spent >= limit else ""


def _spoken(recovery: Recovery) -> str:
    return recovery.replace("_", " ")


def _words(outcome: Outcome) -> str:
    if not outcome.effects:
        return "nothing was sent"
    return " · ".join(
        f"{effect.words}: {effect.state}{' (' + effect.note + ')' if effect.note else ''}"
        for effect in outcome.effects
    )
