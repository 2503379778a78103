"""What is to be done? Candidates from the kind of cause and from memory, with their price."""

import asyncio
from dataclasses import replace

from pydantic import Field

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.lookup import remembered
from aiops_agent.agents.material import known as read_by_all
from aiops_agent.agents.material import wrapped
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.diagnosis import Diagnosis, Hypothesis
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.passage import Passage
from aiops_agent.domain.quantity import amount, signal_name, target
from aiops_agent.domain.reasoning import NoCandidate, PlanPick
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    Alternative,
    Criterion,
    Plan,
    PlanKind,
    Precedent,
    Recovery,
    Target,
)
from aiops_agent.domain.telemetry import Change, ChangeKind
from aiops_agent.domain.trouble import TroubleKind
from aiops_agent.domain.value import Value
from aiops_agent.memory.advise import beside_memory, cited, precedents, recurrence
from aiops_agent.memory.odds import standing
from aiops_agent.ports.memory import RecallQuery
from aiops_agent.ports.telemetry import Environment
from aiops_agent.reasoning.gather import read_scene
from aiops_agent.reasoning.instances import read_standings
from aiops_agent.reasoning.propose import (
    DELETE_POD,
    Means,
    PastRelease,
    Remedy,
    moves,
    rejected,
    release_before,
    remedies,
)
from aiops_agent.reasoning.register import RecoveryTerms, criteria
from aiops_agent.reasoning.troubles import read_troubles
from aiops_agent.reasoning.weigh import strong

NONE = "none of these"


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
    past = await _past_release(briefing.environment, best, change)
    means = Means(incident.environment, scene, best, change, briefing.menu, past)
    means = await _with_instances(briefing, means)
    query = RecallQuery(
        incident=incident, cause=best.kind, service=best.service, signature=diagnosis.signature
    )
    hits = await asyncio.to_thread(briefing.memory.recall, query)
    known = cited(hits, briefing.menu, query, diagnosis.release)
    able = strong(best) or _adopted(incident, best)
    fitting = remedies(means) if able else moves(means)
    chosen, why_not = _choose(briefing, fitting, known)
    if chosen is None:
        reason = f"{best.statement}; {why_not or 'nothing is left to try'}: a person must look"
        if not able and not why_not:
            uncertain = f"too uncertain to act on ({best.held} of {best.checks} held)"
            reason = f"{best.statement}: {uncertain}"
        chosen = Remedy(PlanKind.HANDOVER, reason=reason)
    touched = chosen.actions[-1].target.service if chosen.actions else best.service
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
        recurs=recurrence(hits, query, known),
        stop_gap=chosen.stop_gap,
        affected=tuple(dict.fromkeys((incident.service, *diagnosis.affected))),
    )


async def _with_instances(briefing: Briefing, means: Means) -> Means:
    """Add how the instances of who is to blame are, and which machines fail, where that counts.

    A machine that is to blame has none: those of the alerting service count then.
    """
    if means.offer(DELETE_POD) is None:
        return means
    environment, names = briefing.environment, (means.cause.service, briefing.incident.service)
    counted = await read_standings(environment, names, briefing.now)
    told, _ = await read_troubles(environment)
    sick = {one.name: one.words for one in told if one.kind is TroubleKind.NODE and one.harm}
    return replace(means, standing=next(iter(counted), None), sick=sick)


async def _past_release(
    environment: Environment, best: Hypothesis, change: Change | None
) -> PastRelease | None:
    """Return the image to which a rollback would go; None where releases are known by name."""
    known = environment.releases
    if known is None or change is None or change.kind is not ChangeKind.RELEASE:
        return None
    good = await known.good(best.service)
    try:
        running = await environment.workloads.workloads((best.service,))
    except SourceError:
        return PastRelease(None)  # which image runs is not known: any could be it
    return release_before(running, good, change)


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
        found.append(Alternative(text="escalate", drawback="delay until someone responds"))
    return tuple(found[:5])


class PickAnswer(Value):
    """The candidate that helps most, or none of them with the reason."""

    action: str = Field(description="the kind of action, or none of these")
    target: str = Field(description="what it is done to")
    why: NoCandidate | None = Field(default=None, description="why none of them would help")


async def choose(desk: Desk, briefing: Briefing, made: Plan) -> Answer[PlanPick]:
    """Return which candidate a model would take; the plan that code made is what acts."""
    candidates = _candidates(made)
    pairs = {(str(one.kind), one.target.name) for one in candidates}
    lines = sorted(one.text for one in candidates)
    past = await remembered(briefing)
    parts = [
        Passage("candidates, in no order", "\n".join(lines)),
        Passage("what is to show success", made.expected),
        Passage("memory: like incidents, and what people made of them; opinions", past),
        *read_by_all(briefing),
    ]

    def wrong(answer: PickAnswer) -> tuple[str, ...]:
        if answer.action == NONE:
            return () if answer.why else ("say in `why` why none of the candidates would help",)
        if (answer.action, answer.target) in pairs:
            return ()
        return (f"{answer.action} of {answer.target} is not among the candidates",)

    menus = {
        "action": (*sorted({kind for kind, _ in pairs}), NONE),
        "target": tuple(sorted({name for _, name in pairs})),
    }
    answer = await desk.ask("plan", briefing, wrapped(parts), PickAnswer, menus=menus, check=wrong)
    if answer.value is None:
        return Answer(missing=answer.missing, effort=answer.effort)
    found = answer.value if not wrong(answer.value) else PickAnswer(action=NONE, target="")
    return Answer(value=_picked(made, found, str(answer.effort.by)), effort=answer.effort)


def _candidates(made: Plan) -> list[Action]:
    """Return every action that code worked out, also those that it did not take."""
    others = [action for one in made.alternatives for action in one.actions]
    return list({(a.kind, a.target): a for a in (*others, *made.actions)}.values())


def _picked(made: Plan, answer: PickAnswer, by: str) -> PlanPick:
    """Compare action and target apart: the right action at the wrong target helps nobody."""
    if answer.action == NONE:
        why = answer.why.words if answer.why else "it named what is no candidate"
        words = f"would do none of the candidates: {why}"
        return PlanPick(
            by=by, why_none=answer.why, same_action=False, same_target=False, words=words
        )
    same_action = answer.action in {action.kind for action in made.actions}
    same_target = answer.target in {action.target.name for action in made.actions}
    named = f"{answer.action} of {answer.target}"
    compared = (("action", same_action), ("target", same_target))
    differs = " and ".join(word for word, same in compared if not same)
    words = f"would do {named}: another {differs}" if differs else f"would do the same: {named}"
    return PlanPick(
        by=by,
        action=answer.action,
        target=answer.target,
        same_action=same_action,
        same_target=same_target,
        words=words,
    )
