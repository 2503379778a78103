"""What becomes of an incident behind its end, or when people change it meanwhile."""

from dataclasses import dataclass
from datetime import timedelta

from aiops_agent.domain import payload
from aiops_agent.domain.alert import CRITICAL
from aiops_agent.domain.diagnosis import Triage, TriageVerdict
from aiops_agent.domain.incident import Ending, Status
from aiops_agent.domain.value import Value
from aiops_agent.workflow.deps import Deps, IncidentTransaction, incident_of, transaction


def known(t: IncidentTransaction, ending: Ending, window: timedelta) -> bool:
    """Whether nobody needs to be told of an end: of a harmless one, or once more in a row."""
    if ending is Ending.MERGED:  # whoever did it knows
        return True
    alerts = t.work.alerts.of_incident(t.incident.id).shown
    if ending is Ending.DISMISSED and not any(one.claimed <= CRITICAL for one in alerts):
        return True
    told, given = t.incident.told, (t.at, t.incident.severity, window)
    if told is None:
        return False
    return told.left(*given) if ending.status is Status.ESCALATED else told.again(*given)


@dataclass(frozen=True)
class SecondLook:
    """Writes what a story behind an incident's end finds; called as checkpointed steps."""

    deps: Deps

    def begun(self, incident_id: str) -> tuple[int, bool]:
        """Return the number of the first attempt after an end, and whether it is only looked at."""
        incident = incident_of(self.deps, incident_id)
        return (incident.attempt.number + 1 if incident.attempt else 1), incident.looking

    def looked(self, incident_id: str, seen: Triage) -> bool:
        """Reopen what was dismissed and is not contradicted any more; return whether it is."""
        real = seen.verdict is not TriageVerdict.CONTRADICTED
        with transaction(self.deps, incident_id) as t:
            if t.incident.looking and real:
                about = t.reopen(f"the alert fires on and is {seen.verdict}: {seen.reason}")
                told = payload.IncidentReopened(reason=seen.reason)
                about.tell(told, f"reopened: {about.incident.note}", "again")
            elif t.incident.looking:
                t.keep(t.incident.model_copy(update={"looking": False, "closed": True}))
        return real


class Interruption(Value):
    """What people did to an incident meanwhile: it ends, or it begins anew."""

    ending: Ending | None = None
    anew: bool = False


@dataclass(frozen=True)
class Meanwhile:
    """Tells a story what people did to its incident; called as checkpointed steps."""

    deps: Deps

    def interrupted(self, incident_id: str) -> Interruption:
        """Return whether people took the incident over, merged it, or changed its alerts."""
        found = incident_of(self.deps, incident_id)
        if found.takeover:
            return Interruption(ending=Ending.TAKEN_OVER)
        if found.merged_into:
            return Interruption(ending=Ending.MERGED)
        return Interruption(anew=found.regrouped)

    def anew(self, incident_id: str) -> int:
        """Put an incident whose alerts were changed at triage; return its next attempt's number."""
        with transaction(self.deps, incident_id) as t:
            if t.incident.regrouped:
                t.keep(t.incident.begin_anew(t.at))
            return t.incident.attempt.number + 1 if t.incident.attempt else 1
