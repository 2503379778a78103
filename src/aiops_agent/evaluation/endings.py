"""Did an incident end as its row of the table accepts?"""

from collections.abc import Callable, Mapping

from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.actions.set_config import SET_CONFIG
from aiops_agent.domain.incident import Attempt, Incident, Status
from aiops_agent.domain.remediation import Action, ActionKind, PlanKind, Recovery
from aiops_agent.evaluation.scenarios import AcceptedEnding, EvaluationCase
from aiops_agent.simulator.faults import FaultKind


def accepted(case: EvaluationCase, incident: Incident) -> tuple[bool, str]:
    """Judge an ended incident: whether it is right, and in words why or why not."""
    if not incident.ended:
        return False, f"has not ended: it is {incident.status}"
    flaws = []
    for ending in case.endings:
        flaw = _JUDGES[ending](case, incident)
        if not flaw:
            return True, str(ending)
        flaws.append(f"not {ending}: {flaw}")
    return False, "; ".join(flaws)


def pinned(case: EvaluationCase, incident: Incident) -> bool:
    """Whether the first diagnosis that was made put the truth on top; nothing wrong needs none."""
    if case.fault.kind is FaultKind.NOTHING:
        return not incident.attempts
    made = (a.diagnosis for a in incident.attempts if a.diagnosis is not None)
    best = next((diagnosis.best for diagnosis in made), None)
    return best is not None and best.service == case.truth


def _scaled(case: EvaluationCase, incident: Incident) -> str:
    action, flaw = _cure(case, incident, SCALE.kind)
    return flaw or ("" if action and int(action.wished["replicas"]) > 1 else "it did not grow")


def _restarted(case: EvaluationCase, incident: Incident) -> str:
    return _cure(case, incident, RESTART.kind)[1]


def _restarted_for_now(case: EvaluationCase, incident: Incident) -> str:
    flaw, attempt = _restarted(case, incident), incident.attempt
    if flaw or attempt is None or attempt.plan is None:
        return flaw or "it has no plan"
    return "" if attempt.plan.stop_gap else "nobody said that it is a stop-gap"


def _rolled_back(case: EvaluationCase, incident: Incident) -> str:
    action, flaw = _cure(case, incident, ROLLBACK.kind)
    if flaw or action is None:
        return flaw or "nothing was run"
    wished = action.wished["release"]
    return "" if wished == case.fault.release else f"back to {wished}, not {case.fault.release}"


def _configured(case: EvaluationCase, incident: Incident) -> str:
    action, flaw = _cure(case, incident, SET_CONFIG.kind)
    if flaw or action is None:
        return flaw or "nothing was run"
    wished = (action.wished["name"], action.wished["value"])
    return "" if wished == case.fault.setting else f"set {wished}, not {case.fault.setting}"


def _watched(_: EvaluationCase, incident: Incident) -> str:
    attempt = incident.attempt
    if attempt is None or attempt.plan is None or attempt.plan.kind is not PlanKind.WATCH:
        return f"it was not watched; {_idle(incident, Status.RESOLVED) or 'no such plan'}"
    seen = incident.recovery or (attempt.verification and attempt.verification.recovery)
    return _idle(incident, Status.RESOLVED) or (
        "" if seen is Recovery.RECOVERED else "recovery was not seen"
    )


def _dismissed(_: EvaluationCase, incident: Incident) -> str:
    return _idle(incident, Status.DISMISSED)


def _handed_over(_: EvaluationCase, incident: Incident) -> str:
    return _idle(incident, Status.ESCALATED)


def _denied(case: EvaluationCase, incident: Incident) -> str:
    planned = [action for a in incident.attempts if a.plan for action in a.plan.actions]
    if not any(action.kind == RESTART.kind for action in planned):
        return "no restart was planned, so none was denied"
    if any(action.target.name != case.truth for action in planned):
        return f"the plan was for another service than {case.truth}"
    return _idle(incident, Status.ESCALATED)


_JUDGES: Mapping[AcceptedEnding, Callable[[EvaluationCase, Incident], str]] = {
    AcceptedEnding.SCALED: _scaled,
    AcceptedEnding.RESTARTED: _restarted,
    AcceptedEnding.RESTARTED_FOR_NOW: _restarted_for_now,
    AcceptedEnding.ROLLED_BACK: _rolled_back,
    AcceptedEnding.CONFIGURED: _configured,
    AcceptedEnding.WATCHED: _watched,
    AcceptedEnding.DISMISSED: _dismissed,
    AcceptedEnding.HANDED_OVER: _handed_over,
    AcceptedEnding.DENIED: _denied,
}


def _cure(case: EvaluationCase, incident: Incident, kind: ActionKind) -> tuple[Action | None, str]:
    """Return the one action of the last attempt, and what speaks against it as the cure."""
    attempt = incident.attempt
    if incident.status is not Status.RESOLVED or attempt is None:
        return None, f"it is {incident.status}: {incident.note}"
    if not _verified(attempt):
        return None, "recovery was not verified"
    actions = attempt.plan.actions if attempt.plan else ()
    if len(actions) != 1 or actions[0].kind != kind or actions[0].target.name != case.truth:
        ran = ", ".join(action.text for action in actions) or "nothing"
        return None, f"{ran} was run, {case.truth} was to blame"
    return actions[0], ""


def _verified(attempt: Attempt) -> bool:
    return attempt.verification is not None and attempt.verification.recovery is Recovery.RECOVERED


def _idle(incident: Incident, status: Status) -> str:
    if incident.acted:
        return "something was run"
    return "" if incident.status is status else f"it is {incident.status}: {incident.note}"
