"""What each phase up to the yes leaves behind: one transaction per phase, safe to repeat.

They are called as checkpointed steps, so after a crash they may run again: keys make the repeat
harmless.
"""

from datetime import timedelta

from aiops_agent.domain.answer import STATISTICS, Effort
from aiops_agent.domain.approval import Verdict
from aiops_agent.domain.diagnosis import Diagnosis, Triage, TriageVerdict
from aiops_agent.domain.incident import Attempt, Status
from aiops_agent.domain.payload import (
    DiagnosisReady,
    EvidenceAdded,
    PlanProposed,
    PolicyDecided,
    TriageDone,
)
from aiops_agent.domain.remediation import Plan, PlanKind, PreparedPlan
from aiops_agent.domain.value import Document
from aiops_agent.ports.telemetry import Environment
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.page import page

_NOTHING_RUN = {
    PlanKind.WATCH: "watch, change nothing",
    PlanKind.HANDOVER: "hand over to a person",
}


class Record:
    """Reads and writes the incident; one method per phase."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def environment(self, incident_id: str) -> Environment:
        """Return the environment of an incident."""
        with page(self._deps, incident_id) as p:
            return self._deps.environments(p.incident.environment)

    def now(self, incident_id: str) -> str:
        """Return the environment's time."""
        with page(self._deps, incident_id) as p:
            return p.at.isoformat()

    def before(self, incident_id: str, length: timedelta) -> str:
        """Return the environment's time so long ago."""
        with page(self._deps, incident_id) as p:
            return (p.at - length).isoformat()

    def criteria(self, incident_id: str, number: int) -> list[Document]:
        """Return what counts as recovered, as registered with the plan of an attempt."""
        with page(self._deps, incident_id) as p:
            plan = p.attempt(number).plan
            return [criterion.document() for criterion in plan.criteria] if plan else []

    def taken_over(self, incident_id: str) -> bool:
        """Whether a person took the incident over."""
        with page(self._deps, incident_id) as p:
            return p.incident.takeover

    def moved(self, incident_id: str, status: Status, note: str) -> None:
        """Move the incident along; a repeat changes nothing."""
        with page(self._deps, incident_id) as p:
            p.keep(p.incident.move(status, note, at=p.at))

    def triaged(self, incident_id: str, look: int, reply: Document) -> Document:
        """Keep what triage saw and when the trouble began; return the triage."""
        with page(self._deps, incident_id) as p:
            seen = (
                Triage.of(reply["answer"])
                if "answer" in reply
                else Triage(
                    verdict=TriageVerdict.UNSEEN,
                    severity=p.incident.severity,
                    service=p.incident.service,
                    signal=None,
                    impact="",
                    reason=f"telemetry could not be read: {reply['unseen']}",
                    missing=(reply["unseen"],),
                )
            )
            began = min(seen.began or p.incident.started_at, p.incident.started_at)
            facts = {"triage": seen, "severity": seen.severity, "started_at": began}
            title = seen.impact if seen.verdict is TriageVerdict.CONFIRMED else p.incident.title
            p.keep(p.incident.model_copy(update={**facts, "title": title or p.incident.title}))
            level = seen.severity.upper().replace("SEV", "SEV-")
            p.tell(
                TriageDone(triage=seen),
                f"{level} · {seen.verdict} · {seen.impact or seen.reason}",
                str(look),
                effort=_effort(reply["took"]),
            )
            return seen.document()

    def unsure(self, incident_id: str, number: int, look: int, reply: Document) -> str:
        """Say that a diagnosis saw nothing, or too little, and that it is tried again."""
        if "answer" in reply:
            found = Diagnosis.of(reply["answer"])
            why = f"not sure yet, looking again: {found.summary}"
        else:
            why = f"cannot see, trying again: {reply['unseen']}"
        with page(self._deps, incident_id) as p:
            unsure, effort = EvidenceAdded(attempt=number), _effort(reply["took"])
            p.tell(unsure, why, f"unsure-{number}-{look}", effort=effort)
        return why

    def diagnosed(self, incident_id: str, number: int, reply: Document) -> None:
        """Keep the diagnosis of an attempt and its findings."""
        answer, took = reply["answer"], reply["took"]
        found = Diagnosis.of(answer)
        with page(self._deps, incident_id) as p:
            began = min(found.began or p.incident.started_at, p.incident.started_at)
            moved = p.incident.move(Status.DIAGNOSING, found.summary, at=p.at)
            moved = moved.model_copy(update={"started_at": began})
            p.keep(moved.amend(Attempt(number=number, diagnosis=found)))
            for finding in (f for f in found.findings if f.changed):
                p.tell(
                    EvidenceAdded(attempt=number, finding=finding),
                    f"{finding.service} {finding.what} {finding.before} → {finding.now}",
                    f"{number}-{finding.id}",
                    refs=(finding.id,),
                )
            evidence = found.best.evidence if found.best else ()
            p.tell(
                DiagnosisReady(attempt=number, diagnosis=found),
                f"{found.summary} · {found.confidence} confidence",
                str(number),
                refs=tuple(dict.fromkeys(e.finding for e in evidence)),
                effort=_effort(took),
            )

    def planned(self, incident_id: str, number: int, *, answer: Document, took: float) -> None:
        """Keep the plan of an attempt."""
        plan = Plan.of(answer)
        with page(self._deps, incident_id) as p:
            p.keep(p.incident.amend(p.attempt(number).model_copy(update={"plan": plan})))
            what = ", then ".join(a.text for a in plan.actions) or _NOTHING_RUN[plan.kind]
            p.tell(
                PlanProposed(attempt=number, plan=plan),
                f"{what} · {plan.reason}",
                str(number),
                effort=_effort(took),
            )

    def reviewed(
        self, incident_id: str, number: int, prepared: Document, verdict: Document, took: float
    ) -> None:
        """Keep what was prepared and what policy says of it."""
        plan, said = PreparedPlan.of(prepared), Verdict.of(verdict)
        with page(self._deps, incident_id) as p:
            facts = {"prepared": plan, "verdict": said}
            p.keep(p.incident.amend(p.attempt(number).model_copy(update=facts)))
            p.tell(
                PolicyDecided(attempt=number, digest=plan.digest, verdict=said),
                f"{said.ruling} · rule {said.rule} · {said.reason}",
                str(number),
                effort=_effort(took),
            )


def _effort(took: float) -> Effort:
    return Effort(by=STATISTICS, took=took)
