"""What is to be done? Candidates from the kind of cause and from memory, with their price."""

from collections.abc import Iterable
from datetime import timedelta

from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.diagnosis import CauseKind, Diagnosis, Hypothesis
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.domain.quantity import amount, signal_name, target
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    Alternative,
    Criterion,
    Plan,
    PlanKind,
    Recovery,
)
from aiops_agent.domain.telemetry import Change, Signal, Window
from aiops_agent.memory.recall import similar
from aiops_agent.reasoning.gather import Scene, beginning, survey
from aiops_agent.reasoning.propose import Means, Remedy, rejected, remedies
from aiops_agent.reasoning.register import Terms, criteria

TOO_WEAK = 0.5  # below this score nobody is asked to change anything
EXTRA_BASELINE = timedelta(minutes=15)
DEEDS = {
    ActionKind.SCALE_PODS: "scaling",
    ActionKind.RESTART_SERVICE: "a restart",
    ActionKind.ROLLBACK_RELEASE: "a rollback",
    ActionKind.SET_CONFIG: "changing the setting",
}


async def plan(briefing: Briefing, diagnosis: Diagnosis) -> Plan:
    """Return the plan for the likeliest cause; raises SourceError when metrics do not answer."""
    best = diagnosis.best
    if best is None:
        return Plan(kind=PlanKind.HANDOVER, reason="no cause was found: a person must look")
    scene = await _scene(briefing)
    means = Means(scene, best, _change(scene, best), briefing.menu)
    alike = similar(briefing.past, briefing.incident, _signal(briefing), best.kind)
    fitting = remedies(means) if _strong(best) else ()
    chosen, why_not = _choose(fitting, alike, _tried(briefing))
    if chosen is None:
        chosen = Remedy(PlanKind.HANDOVER, reason=_give_up(best, why_not))
    measured = _criteria(briefing, scene, best, chosen)
    if chosen.kind is not PlanKind.HANDOVER and not measured:
        reason = f"{best.statement}; but no signal could tell whether an action helps"
        chosen = Remedy(PlanKind.HANDOVER, reason=reason)
    return Plan(
        kind=chosen.kind,
        actions=chosen.actions,
        reason=chosen.reason,
        expected=_expected(measured, chosen),
        hypothesis=best.key,
        criteria=measured if chosen.kind is not PlanKind.HANDOVER else (),
        alternatives=_alternatives(means, fitting, chosen, alike),
        precedent=_precedent(chosen, alike),
        stop_gap=chosen.stop_gap,
    )


async def _scene(briefing: Briefing) -> Scene:
    incident = briefing.incident
    started = beginning(incident.started_at, incident.opened_at)
    start = started - briefing.pace.baseline - EXTRA_BASELINE
    window = Window(start=start, end=briefing.now)
    return await survey(briefing.environment, incident.service, window, started)


def _change(scene: Scene, best: Hypothesis) -> Change | None:
    """Return the change that the hypothesis names, the latest of that title."""
    named = (one for one in reversed(scene.changes) if one.service == best.service)
    return next((one for one in named if best.change and one.title == best.change), None)


def _signal(briefing: Briefing) -> Signal | None:
    return briefing.incident.triage.signal if briefing.incident.triage is not None else None


def _strong(best: Hypothesis) -> bool:
    if best.kind in (CauseKind.DEPENDENCY, CauseKind.UNKNOWN, CauseKind.COLD_CACHE):
        return True  # nothing is changed for these
    return best.score >= TOO_WEAK and best.contradicted < 2


def _give_up(best: Hypothesis, why_not: str) -> str:
    if not _strong(best):
        return f"{best.statement}: too uncertain to act on ({best.held} of {best.checks} held)"
    return f"{best.statement}; {why_not or 'nothing is left to try'}: a person must look"


def _tried(briefing: Briefing) -> frozenset[tuple[ActionKind, str]]:
    """Return what earlier attempts of this incident did without success."""
    found: set[tuple[ActionKind, str]] = set()
    for attempt in briefing.incident.attempts:
        failed = attempt.verification is None or (
            attempt.verification.recovery is not Recovery.RECOVERED
        )
        if attempt.outcome is not None and attempt.plan is not None and failed:
            found.update((action.kind, str(action.target)) for action in attempt.plan.actions)
    return frozenset(found)


def _choose(
    fitting: tuple[Remedy, ...],
    alike: tuple[PastIncident, ...],
    tried: frozenset[tuple[ActionKind, str]],
) -> tuple[Remedy | None, str]:
    """Return the remedy that fits best, memory deciding between fitting ones only."""
    possible = [
        one
        for one in fitting
        if not one.why_not and not any((a.kind, str(a.target)) in tried for a in one.actions)
    ]
    why_not = next((one.why_not for one in fitting if one.why_not), "")
    acts = [one for one in possible if one.kind is PlanKind.ACT]
    if acts:
        # `max` keeps the first of equals: the order of fitness.
        return max(acts, key=lambda one: _standing(one, alike)), why_not
    passive = [one for one in possible if one.kind is PlanKind.WATCH]
    if passive:
        return passive[0], why_not
    handover = [one for one in possible if one.kind is PlanKind.HANDOVER]
    blocked = any(one.kind is PlanKind.ACT for one in fitting)
    return (None if blocked or not handover else handover[0]), why_not


def _standing(remedy: Remedy, alike: tuple[PastIncident, ...]) -> int:
    """Return 1 when memory saw this kind of action help, -1 when only fail, else 0."""
    kinds = {action.kind for action in remedy.actions}
    seen = {past.recovery for case in alike for past in case.remedies if past.action.kind in kinds}
    if Recovery.RECOVERED in seen:
        return 1
    return -1 if seen & {Recovery.NOT_RECOVERED, Recovery.WORSE} else 0


def _criteria(
    briefing: Briefing, scene: Scene, best: Hypothesis, chosen: Remedy
) -> tuple[Criterion, ...]:
    pace = briefing.pace
    within = pace.watch if chosen.kind is PlanKind.WATCH else pace.within
    touched = chosen.actions[0].target if chosen.actions else best.service
    return criteria(scene, _signal(briefing), touched, best.kind, Terms(pace.hold, within))


def _expected(measured: tuple[Criterion, ...], chosen: Remedy) -> str:
    if not measured or chosen.kind is PlanKind.HANDOVER:
        return ""
    first = measured[0]
    return (
        f"{signal_name(first.signal)} of {first.service} goes from"
        f" {amount(first.signal, first.at_alert)} to {target(first)}"
    )


def _alternatives(
    means: Means,
    fitting: tuple[Remedy, ...],
    chosen: Remedy,
    alike: tuple[PastIncident, ...],
) -> tuple[Alternative, ...]:
    """Return fitting ones not chosen, what memory offers in vain, and what people may ask for."""
    found = [
        Alternative(text=one.text or "act", drawback=one.why_not or "fits the cause less well")
        for one in fitting
        if one is not chosen and one.kind is PlanKind.ACT and (one.actions or one.why_not)
    ]
    known = {action.kind for one in (*fitting, chosen) for action in one.actions}
    remembered = _contradicted(alike, known)
    drawbacks = [_with_memory(one, alike) for one in rejected(means)]
    told = {one.text.split(" ")[0] for one in remembered}
    found += remembered + [one for one in drawbacks if one.text.split(" ")[0] not in told]
    if chosen.kind is not PlanKind.HANDOVER:
        found.append(
            Alternative(text="hand over to a person", drawback="users wait until one is there")
        )
    return tuple(found[:5])


def _contradicted(alike: tuple[PastIncident, ...], known: set[ActionKind]) -> list[Alternative]:
    """Return remedies that memory praises and telemetry does not support."""
    found: dict[ActionKind, Alternative] = {}
    for case in alike:
        for past in case.remedies:
            kind = past.action.kind
            if past.recovery is Recovery.RECOVERED and kind not in known and kind not in found:
                drawback = (
                    f"it helped in {case.id}, but telemetry contradicts:"
                    f" there the cause was {_cause(case)}, here it is not"
                )
                found[kind] = Alternative(text=past.action.text, drawback=drawback)
    return list(found.values())


def _with_memory(one: Alternative, alike: tuple[PastIncident, ...]) -> Alternative:
    for case in alike:
        for past in case.remedies:
            failed = past.recovery in (Recovery.NOT_RECOVERED, Recovery.WORSE)
            if failed and one.text.startswith(past.action.kind):
                drawback = f"{one.drawback}; it did not help in {case.id} ({_month(case)})"
                return one.model_copy(update={"drawback": drawback})
    return one


def _precedent(chosen: Remedy, alike: tuple[PastIncident, ...]) -> str:
    """Return what memory says of the chosen remedy, and of what failed beside it."""
    kinds = {action.kind for action in chosen.actions}
    helped = _first(alike, kinds, (Recovery.RECOVERED,))
    failed = _first(alike, kinds, (Recovery.NOT_RECOVERED, Recovery.WORSE))
    others = _first(alike, set(ActionKind) - kinds, (Recovery.NOT_RECOVERED, Recovery.WORSE))
    said = []
    if helped is not None:
        said.append(f"{_told(helped)} fixed the like of this")
    elif failed is not None:
        said.append(f"{_told(failed)} did not fix the like of this")
    if others is not None and kinds:
        said.append(f"{_told(others)} did not")
    return "; ".join(said)


def _first(
    alike: Iterable[PastIncident], kinds: set[ActionKind], recoveries: tuple[Recovery, ...]
) -> tuple[PastIncident, Action] | None:
    return next(
        (
            (case, past.action)
            for case in alike
            for past in case.remedies
            if past.action.kind in kinds and past.recovery in recoveries
        ),
        None,
    )


def _told(found: tuple[PastIncident, Action]) -> str:
    case, action = found
    return f"{case.id} ({_month(case)}): {DEEDS[action.kind]}"


def _month(case: PastIncident) -> str:
    return f"{case.ended_at:%B}"


def _cause(case: PastIncident) -> str:
    return case.cause.value.replace("_", " ")
