"""Did an incident end as its row of the table accepts?"""

from collections.abc import Mapping

from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.actions.set_config import SET_CONFIG
from aiops_agent.domain.incident import Incident, Status
from aiops_agent.domain.remediation import ActionKind, PlanKind, Recovery
from aiops_agent.evaluation.scenarios import AcceptedEnding, EvaluationCase
from aiops_agent.simulator.faults import FaultKind

_CURES: Mapping[AcceptedEnding, ActionKind] = {
    AcceptedEnding.SCALED: SCALE.kind,
    AcceptedEnding.RESTARTED: RESTART.kind,
    AcceptedEnding.RESTARTED_FOR_NOW: RESTART.kind,
    AcceptedEnding.ROLLED_BACK: ROLLBACK.kind,
    AcceptedEnding.CONFIGURED: SET_CONFIG.kind,
}
_IDLE: Mapping[AcceptedEnding, Status] = {
    AcceptedEnding.WATCHED: Status.RESOLVED,
    AcceptedEnding.DISMISSED: Status.DISMISSED,
    AcceptedEnding.HANDED_OVER: Status.ESCALATED,
    AcceptedEnding.DENIED: Status.ESCALATED,
}


def accepted(case: EvaluationCase, incident: Incident) -> tuple[bool, str]:
    """Judge an ended incident: whether it is right, and in words why or why not."""
    if not incident.ended:
        return False, f"has not ended: it is {incident.status}"
    flaws = []
    for ending in case.endings:
        flaw = _flaw(ending, case, incident)
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


def _flaw(ending: AcceptedEnding, case: EvaluationCase, incident: Incident) -> str:
    """Say what speaks against this ending; nothing when it is right."""
    if ending in _CURES:
        return _flaw_of_cure(ending, case, incident)
    if ending is AcceptedEnding.DENIED:
        planned = [action for a in incident.attempts if a.plan for action in a.plan.actions]
        if not any(action.kind == RESTART.kind for action in planned):
            return "no restart was planned, so none was denied"
        if any(action.target.name != case.truth for action in planned):
            return f"the plan was for another service than {case.truth}"
    flaw = ""
    if incident.acted:
        flaw = "something was run"
    elif incident.status is not _IDLE[ending]:
        flaw = f"it is {incident.status}: {incident.note}"
    if ending is AcceptedEnding.WATCHED:
        return _flaw_of_watch(incident, flaw)
    return flaw


def _flaw_of_watch(incident: Incident, flaw: str) -> str:
    attempt = incident.attempt
    if attempt is None or attempt.plan is None or attempt.plan.kind is not PlanKind.WATCH:
        return f"it was not watched; {flaw or 'no such plan'}"
    seen = incident.recovery or (attempt.verification and attempt.verification.recovery)
    return flaw or ("" if seen is Recovery.RECOVERED else "recovery was not seen")


def _flaw_of_cure(ending: AcceptedEnding, case: EvaluationCase, incident: Incident) -> str:
    """Say what speaks against the one action of the last attempt as the cure."""
    attempt, fault = incident.attempt, case.fault
    if incident.status is not Status.RESOLVED or attempt is None:
        return f"it is {incident.status}: {incident.note}"
    if attempt.verification is None or attempt.verification.recovery is not Recovery.RECOVERED:
        return "recovery was not verified"
    plan = attempt.plan
    actions = plan.actions if plan else ()
    kind, truth = _CURES[ending], case.truth
    if len(actions) != 1 or actions[0].kind != kind or actions[0].target.name != truth:
        ran = ", ".join(action.text for action in actions) or "nothing"
        return f"{ran} was run, {truth} was to blame"
    wished = actions[0].wished
    match ending:
        case AcceptedEnding.SCALED if int(wished["replicas"]) <= 1:
            return "it did not grow"
        case AcceptedEnding.RESTARTED_FOR_NOW if not (plan and plan.stop_gap):
            return "nobody said that it is a stop-gap"
        case AcceptedEnding.ROLLED_BACK if wished["release"] != fault.release:
            return f"back to {wished['release']}, not {fault.release}"
        case AcceptedEnding.CONFIGURED if (wished["name"], wished["value"]) != fault.setting:
            return f"set {(wished['name'], wished['value'])}, not {fault.setting}"
    return ""
