"""How often does the service end a broken shop as a good engineer would accept?"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from types import MappingProxyType

from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.actions.set_config import SET_CONFIG
from aiops_agent.domain.incident import Incident, Status
from aiops_agent.domain.remediation import Action, ActionKind, PlanKind, Recovery
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.simulator.faults import Fault, FaultKind
from aiops_agent.simulator.scenarios import Scenario, find_scenario


class AcceptedEnding(StrEnum):
    """How an incident may end; the first four need a recovery verified by telemetry."""

    SCALED = "scaled"
    RESTARTED = "restarted"
    RESTARTED_FOR_NOW = "restarted, said to be a stop-gap"
    ROLLED_BACK = "rolled back"
    CONFIGURED = "setting put back"
    WATCHED = "watched until it healed, nothing run"
    DISMISSED = "dismissed, nothing run"
    HANDED_OVER = "handed over, nothing run"
    DENIED = "denied by the calendar, handed over, nothing run"


ROWS: Mapping[FaultKind, tuple[AcceptedEnding, ...]] = MappingProxyType(
    {
        FaultKind.SURGE: (AcceptedEnding.SCALED,),
        FaultKind.HANG: (AcceptedEnding.RESTARTED,),
        FaultKind.SLOW_RELEASE: (AcceptedEnding.ROLLED_BACK,),
        FaultKind.LEAK: (AcceptedEnding.RESTARTED_FOR_NOW, AcceptedEnding.ROLLED_BACK),
        FaultKind.POOL_CUT: (AcceptedEnding.ROLLED_BACK, AcceptedEnding.CONFIGURED),
        FaultKind.SLOW_QUERY: (AcceptedEnding.ROLLED_BACK,),
        FaultKind.OUTAGE: (AcceptedEnding.HANDED_OVER,),
        FaultKind.COLD_CACHE: (AcceptedEnding.WATCHED,),
        FaultKind.NOTHING: (AcceptedEnding.DISMISSED,),
    }
)


@dataclass(frozen=True)
class EvaluationCase:
    """One scenario with one seed: where the truth is, by the names that the outside sees."""

    scenario: Scenario
    seed: int
    fault: Fault
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def truth(self) -> ServiceName:
        """The service that is to blame; of a false alarm the one that was blamed."""
        return ServiceName(self.names.get(self.fault.service, self.fault.service))

    @property
    def endings(self) -> tuple[AcceptedEnding, ...]:
        """The endings that count as right."""
        if self.scenario.freeze:
            return (AcceptedEnding.DENIED,)
        row = ROWS[self.fault.kind]
        began = bool(self.fault.release)  # only what a release began can be rolled back
        return tuple(e for e in row if began or e is not AcceptedEnding.ROLLED_BACK)


def case(scenario: str, seed: int, names: Mapping[str, str] | None = None) -> EvaluationCase:
    """Return a scenario with a seed; raises UsageError when there is no such scenario."""
    chosen = find_scenario(scenario)
    return EvaluationCase(chosen, seed, chosen.fault_of(seed), names or {})


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


def done(incident: Incident) -> tuple[Action, ...]:
    """Return the actions that were run, whatever came of them."""
    ran = [a for a in incident.attempts if a.outcome is not None and a.outcome.effects and a.plan]
    return tuple(action for a in ran if a.plan for action in a.plan.actions)


def cured(case: EvaluationCase, incident: Incident) -> bool:
    """Whether a right cure was run at the right service, or rightly nothing; telemetry aside."""
    ran = done(incident)
    cures = {_CURES[ending] for ending in case.endings if ending in _CURES}
    return any(a.kind in cures and a.target.name == case.truth for a in ran) if cures else not ran


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


# Breaks a shop, lets the real service work with every plan approved, returns the ended incident.
ScenarioRunner = Callable[[str, int, Mapping[str, str] | None], Awaitable[Incident]]


@dataclass(frozen=True)
class EvaluationResult:
    """How one scenario with one seed ended."""

    scenario: str
    seed: int
    right: bool
    why: str
    attempts: int
    pinned: bool  # the first diagnosis had the truth on top


async def measure(
    run: ScenarioRunner,
    scenarios: Iterable[str],
    seeds: Sequence[int],
    names: Mapping[str, str] | None = None,
) -> tuple[EvaluationResult, ...]:
    """Run every scenario with every seed, one after the other."""
    results = []
    for scenario, seed in product(scenarios, seeds):
        incident, told = await run(scenario, seed, names), case(scenario, seed, names)
        right, why = accepted(told, incident)
        first, attempts = pinned(told, incident), len(incident.attempts)
        results.append(EvaluationResult(scenario, seed, right, why, attempts, first))
    return tuple(results)


def rendered(results: Sequence[EvaluationResult]) -> str:
    """Return the table as Markdown: a row per scenario, then every wrong ending with its reason."""
    rows = [
        "| scenario | right | at the first attempt | cause on top | endings |",
        "|---|---|---|---|---|",
    ]
    names = dict.fromkeys(result.scenario for result in results)
    rows += [_row(name, [r for r in results if r.scenario == name]) for name in names]
    rows.append(_row("all", list(results)))
    wrong = [f"- {r.scenario}, seed {r.seed}: {r.why}" for r in results if not r.right]
    return "\n".join([*rows, "", *(wrong or ["No wrong ending."])]) + "\n"


def _row(name: str, results: list[EvaluationResult]) -> str:
    count = len(results)
    right = sum(result.right for result in results)
    first = sum(result.right and result.attempts <= 1 for result in results)
    on_top = sum(result.pinned for result in results)
    endings = dict.fromkeys(result.why for result in results if result.right)
    words = "" if name == "all" else ", ".join(endings)
    return f"| {name} | {right}/{count} | {first}/{count} | {on_top}/{count} | {words} |"
