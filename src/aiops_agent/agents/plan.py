"""What is to be done? Candidates from the kind of cause and from memory, with their price."""

import asyncio

from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.diagnosis import Diagnosis, Hypothesis
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.quantity import amount, signal_name, target
from aiops_agent.domain.remediation import (
    ActionKind,
    Alternative,
    Criterion,
    Plan,
    PlanKind,
    Precedent,
    Recovery,
    Target,
)
from aiops_agent.memory.recall import beside_memory, cited, precedents, standing
from aiops_agent.ports.memory import RecallQuery
from aiops_agent.reasoning.gather import read_scene
from aiops_agent.reasoning.propose import Means, Remedy, rejected, remedies
from aiops_agent.reasoning.register import RecoveryTerms, criteria
from aiops_agent.reasoning.weigh import strong


async def plan(  # limit: from the cause to the plan, in order
    briefing: Briefing, diagnosis: Diagnosis
) -> Plan:
    """Return the plan for the likeliest cause; raises SourceError when metrics do not answer."""
    best = diagnosis.best
    if best is None:
        return Plan(kind=PlanKind.HANDOVER, reason="no cause was found: a person must look")
    incident = briefing.incident
    scene = await read_scene(briefing.environment, incident, briefing.pace.baseline, briefing.now)
    # Of the changes of the title that the hypothesis names, the latest.
    named = (one for one in reversed(scene.changes) if one.service == best.service)
    change = next((one for one in named if best.change and one.title == best.change), None)
    means = Means(incident.environment, scene, best, change, briefing.menu)
    query = RecallQuery(incident=incident, cause=best.kind)
    known = cited(await asyncio.to_thread(briefing.memory.recall, query), briefing.menu)
    able = strong(best) or _adopted(incident, best)
    fitting = remedies(means) if able else ()
    chosen, why_not = _choose(briefing, fitting, known)
    if chosen is None:
        reason = f"{best.statement}; {why_not or 'nothing is left to try'}: a person must look"
        if not able:
            uncertain = f"too uncertain to act on ({best.held} of {best.checks} held)"
            reason = f"{best.statement}: {uncertain}"
        chosen = Remedy(PlanKind.HANDOVER, reason=reason)
    touched = chosen.actions[0].target.service if chosen.actions else best.service
    signal = incident.triage.signal if incident.triage is not None else None
    within = briefing.pace.watch if chosen.kind is PlanKind.WATCH else briefing.pace.within
    terms = RecoveryTerms(briefing.pace.hold, within)
    measured = criteria(scene, signal, touched, best.kind, terms)
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
        alternatives=_alternatives(means, fitting, chosen, known),
        precedents=precedents({a.kind for a in chosen.actions}, known),
        stop_gap=chosen.stop_gap,
    )


def _adopted(incident: Incident, best: Hypothesis) -> bool:
    """Whether a model's suspect acts, because statistics name nobody; a person must agree."""
    reasoned = incident.attempt.reasoned if incident.attempt else None
    return bool(reasoned and reasoned.adopted and reasoned.adopted.key == best.key)


def _tried(briefing: Briefing) -> set[tuple[ActionKind, Target]]:
    """Return what earlier attempts of this incident did without success."""
    found: set[tuple[ActionKind, Target]] = set()
    for attempt in briefing.incident.attempts:
        seen = attempt.verification
        failed = seen is None or seen.recovery is not Recovery.RECOVERED
        if attempt.outcome is not None and attempt.plan is not None and failed:
            found.update((action.kind, action.target) for action in attempt.plan.actions)
    return found


def _choose(
    briefing: Briefing, fitting: tuple[Remedy, ...], known: tuple[Precedent, ...]
) -> tuple[Remedy | None, str]:
    """Return the remedy that fits best, memory deciding between fitting ones only."""
    tried = _tried(briefing)
    new = [r for r in fitting if not any((a.kind, a.target) in tried for a in r.actions)]
    possible = [one for one in new if not one.why_not]
    why_not = next((one.why_not for one in fitting if one.why_not), "")
    acts = [one for one in possible if one.kind is PlanKind.ACT]
    if acts:
        # `max` keeps the first of equals: the order of fitness.
        return max(acts, key=lambda one: standing({a.kind for a in one.actions}, known)), why_not
    passive = [one for one in possible if one.kind is PlanKind.WATCH]
    if passive:
        return passive[0], why_not
    handover = [one for one in possible if one.kind is PlanKind.HANDOVER]
    blocked = any(one.kind is PlanKind.ACT for one in fitting)
    return (None if blocked or not handover else handover[0]), why_not


def _expected(measured: tuple[Criterion, ...], chosen: Remedy) -> str:
    if not measured or chosen.kind is PlanKind.HANDOVER:
        return ""
    first = measured[0]
    return (
        f"{signal_name(first.signal)} of {first.service} goes from"
        f" {amount(first.signal, first.at_alert)} to {target(first)}"
    )


def _alternatives(
    means: Means, fitting: tuple[Remedy, ...], chosen: Remedy, known: tuple[Precedent, ...]
) -> tuple[Alternative, ...]:
    """Return fitting ones not chosen, what memory offers in vain, and what people may ask for."""
    found = [
        Alternative(
            actions=one.actions,
            text="" if one.actions else "act",
            drawback=one.why_not or "fits the cause less well",
        )
        for one in fitting
        if one is not chosen and one.kind is PlanKind.ACT and (one.actions or one.why_not)
    ]
    fits = {action.kind for one in (*fitting, chosen) for action in one.actions}
    found += beside_memory(rejected(means), known, fits, means.cause.kind)
    if chosen.kind is not PlanKind.HANDOVER:
        found.append(
            Alternative(text="hand over to a person", drawback="users wait until one is there")
        )
    return tuple(found[:5])
