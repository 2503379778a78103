"""A person takes an incident from the agent."""

from aiops_agent.domain.answer import Author, AuthorKind, Effort
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import IncidentMoved
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.transaction import transaction


def take_over(deps: Deps, incident_id: str, by: str, reason: str) -> Incident:
    """Mark the incident as taken over, say so, and wake its workflow, in one transaction."""
    with transaction(deps, incident_id) as t:
        taken = t.incident.model_copy(update={"takeover": True})
        t.keep(taken)
        why = f": {reason}" if reason else ""
        effort = Effort(by=Author(kind=AuthorKind.PERSON, name=by))
        message = f"taken over by a person{why}"
        t.tell(IncidentMoved(by=by, reason=reason), message, "takeover", effort=effort)
        t.work.wake(incident_id, f"{incident_id}:takeover")
        return taken
