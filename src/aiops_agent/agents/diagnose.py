"""What is the cause, and how do we know? Arithmetic answers; a model then says what it thinks.

The model answers twice: first without the engine's ranking, then after seeing it. Only the first
counts as agreement. What it claims is checked against the findings; its words are never shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from aiops_agent.agents.asking import NOT_KNOWN, Desk, narrowed, several
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.lookup import Lookup, menu_of_services
from aiops_agent.agents.material import known, wrapped
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.diagnosis import CauseKind, Diagnosis, Finding, Hypothesis
from aiops_agent.domain.passage import Passage
from aiops_agent.domain.reasoning import Assertion, Gap, SecondOpinion, Suspect
from aiops_agent.domain.telemetry import ServiceGraph, ServiceName, Signal
from aiops_agent.domain.trouble import PlatformTrouble
from aiops_agent.domain.value import Value
from aiops_agent.reasoning import orders
from aiops_agent.reasoning.belief import believed
from aiops_agent.reasoning.certainty import certainty
from aiops_agent.reasoning.claims import CHANGE, LOG, checked, flaws, suspicion_words, told
from aiops_agent.reasoning.exhibit import findings, hypothesis, numbered, sequence, shown_time
from aiops_agent.reasoning.gather import read_scene
from aiops_agent.reasoning.instances import Headcount, read_standings
from aiops_agent.reasoning.instances import findings as instance_findings
from aiops_agent.reasoning.measure import moment
from aiops_agent.reasoning.rank import Ranked, confidence, grounds, not_known, rank
from aiops_agent.reasoning.routes import failing_routes
from aiops_agent.reasoning.signature import signature_of
from aiops_agent.reasoning.suspect import Fact, Investigation, study
from aiops_agent.reasoning.troubles import findings as trouble_findings
from aiops_agent.reasoning.troubles import near as troubles_near
from aiops_agent.reasoning.troubles import read_troubles, sentence
from aiops_agent.reasoning.weigh import adopted, lowered, stand

MOST_HYPOTHESES = 5  # a reader weighs no more
MOST_CLAIMS = 8  # as many as there are findings
KINDS = tuple(kind.value for kind in CauseKind if kind is not CauseKind.UNKNOWN)
SIGNALS = (*(signal.value for signal in Signal), LOG, CHANGE)
GAPS = (*(signal.value for signal in Signal), "logs", "changes", "inside")


async def diagnose(briefing: Briefing) -> Diagnosis:  # limit: all that one answer rests on
    """Return ranked causes with their findings; raises SourceError when metrics do not answer."""
    incident, pace = briefing.incident, briefing.pace
    scene = await read_scene(briefing.environment, incident, pace.baseline, briefing.now)
    near = _near(scene.graph, incident.service)
    standings = await read_standings(briefing.environment, near, briefing.now)
    scene = replace(scene, standings=standings)
    case = study(scene, incident.triage.signal if incident.triage is not None else None)
    refuted = frozenset(one.refuted for one in incident.attempts if one.refuted)
    ranking = rank(case, refuted)
    shown = findings(case, ranking)
    best = ranking[0]
    sure, why = confidence(case, ranking)
    began = moment(case.scene.began)
    logs, alerts = (*scene.logs_after, *scene.logs_before), briefing.alerts.shown
    ordered = orders.finding(logs, alerts, incident.service, len(shown) + 1)
    named = (incident.service, best.suspicion.service)
    # Those of the alerting service and of the suspect are told first.
    standings = tuple(sorted(standings, key=lambda one: one.service not in named))
    suspected = scene.graph.service(best.suspicion.service)
    routes = [
        found
        for name in dict.fromkeys(named)
        for found in await failing_routes(briefing.environment, name, began)
    ]
    troubles = await _troubles(briefing, (*named, *near))
    beside = [*((ordered,) if ordered else ()), *instance_findings(standings), *routes]
    beside += trouble_findings(troubles)
    return Diagnosis(
        summary=f"Since {began:%H:%M} {best.suspicion.statement}.{_standing_of(standings, named)}"
        + sentence(troubles, named),
        hypotheses=_hypotheses(case, ranking, shown),
        findings=(*shown.values(), *numbered(beside, len(shown) + 1)),
        confidence=sure,
        why_confidence=why,
        certainty=certainty(case, ranking, shown),
        not_known=not_known(case, best),
        sequence=sequence(case, best, incident.opened_at),
        began=began,
        shown=shown_time(case),
        signature=signature_of(scene, best.suspicion.service, alerts),
        release=suspected.release if suspected else "",
    )


def _hypotheses(
    case: Investigation, ranking: tuple[Ranked, ...], shown: dict[Fact, Finding]
) -> tuple[Hypothesis, ...]:
    """Return those that a reader weighs; only of the first it is worked out how likely it is."""
    first, *others = (hypothesis(case, one, shown) for one in ranking[:MOST_HYPOTHESES])
    belief = round(believed(grounds(case, ranking)), 3)
    return (first.model_copy(update={"belief": belief}), *others)


async def _troubles(
    briefing: Briefing, services: Sequence[ServiceName]
) -> tuple[PlatformTrouble, ...]:
    """Return what the platform says of these; what of it is not read, a status tells."""
    told, _ = await read_troubles(briefing.environment)
    return troubles_near(told, tuple(dict.fromkeys(services)))


def _near(graph: ServiceGraph, service: ServiceName) -> tuple[ServiceName, ...]:
    """Return the services whose instances may matter, the nearest first."""
    around = (service, *graph.downstream(service), *graph.callers(service))
    return tuple(dict.fromkeys((*around, *(() if graph.calls else graph.names))))


def _standing_of(standings: Sequence[Headcount], of: Sequence[ServiceName]) -> str:
    """Return a sentence for the summary: how the alerting service or the suspect stands."""
    found = next((one for one in standings if one.service in of and one.lost), None)
    return f" {found.service}: {found.sentence}." if found else ""


class SuspectAnswer(Value):
    """The likeliest cause."""

    kind: str = Field(description="the kind of cause, or not known")
    service: str = Field(description="the service that causes it, not one that suffers from it")

    @property
    def suspect(self) -> Suspect | None:
        """The suspect, unless it is not known."""
        if self.kind == NOT_KNOWN:
            return None
        return Suspect(kind=CauseKind(self.kind), service=ServiceName(self.service))


class DiagnosisAnswer(SuspectAnswer):
    """The likeliest cause, what shows it, and what nobody knows."""

    claims: tuple[Assertion, ...] = Field(max_length=MOST_CLAIMS)
    not_known: tuple[Gap, ...] = Field(min_length=1, max_length=MOST_CLAIMS)


async def reason(desk: Desk, briefing: Briefing, diagnosis: Diagnosis) -> Answer[SecondOpinion]:
    """Return what a model thinks of the cause, checked; without one, the reason why."""
    near = {one.service for one in diagnosis.hypotheses}
    near |= {one.service for one in diagnosis.findings}
    services = await menu_of_services(briefing, near)
    named = {"kind": (*KINDS, NOT_KNOWN), "service": services}
    parts = _seen(briefing, diagnosis)
    first = await desk.ask(
        "diagnose",
        briefing,
        wrapped(parts),
        DiagnosisAnswer,
        menus=named | _records(services, diagnosis),
        tools=Lookup(briefing, services).tools(),
        check=_check(briefing, diagnosis),
    )
    if first.value is None:
        return Answer(missing=first.missing, effort=first.effort)
    ranked = Passage("what statistics rank, likeliest first", _ranking(diagnosis))
    own = first.value.suspect.words if first.value.suspect else NOT_KNOWN
    said = Passage("what you said before you saw it", own)
    after = await desk.ask(
        "diagnose", briefing, wrapped([ranked, said, *parts]), SuspectAnswer, menus=named
    )
    effort = first.effort.joined(after.effort, "").model_copy(update={"beside": None})
    then = after.value.suspect if after.value else first.value.suspect
    return Answer(value=_opinion(str(effort.by), diagnosis, first.value, then), effort=effort)


def _opinion(
    by: str, diagnosis: Diagnosis, answer: DiagnosisAnswer, after: Suspect | None
) -> SecondOpinion:
    made = SecondOpinion(
        by=by,
        first=answer.suspect,
        after=after,
        claims=checked(answer.claims, diagnosis.findings),
        not_known=tuple(dict.fromkeys(answer.not_known)),
        stand=stand(diagnosis, answer.suspect),
        engine=suspicion_words(diagnosis),
    )
    fell = lowered(diagnosis, made).confidence is not diagnosis.confidence
    chosen = adopted(diagnosis, made)
    kept = Suspect(kind=chosen.kind, service=chosen.service) if chosen else None
    return made.model_copy(
        update={
            "words": told(made),
            "lowered": diagnosis.confidence if fell else None,
            "adopted": kept,
        }
    )


def _check(
    briefing: Briefing, diagnosis: Diagnosis
) -> Callable[[DiagnosisAnswer], tuple[str, ...]]:
    """Return what sends false or uncited claims back, and a cause that was refuted."""
    refuted = {one.refuted for one in briefing.incident.attempts if one.refuted}

    def wrong(answer: DiagnosisAnswer) -> tuple[str, ...]:
        found = flaws(answer.claims, diagnosis.findings)
        named = answer.suspect
        if named is not None and named.key in refuted:
            found += (f"{named.words} was tried and did not help: it is refuted",)
        if named is not None and not answer.claims:
            found += ("a cause needs claims, each with the finding that shows it",)
        return found

    return wrong


def _records(services: tuple[ServiceName, ...], diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the types of claims and gaps, their names limited to what there is."""
    ids = tuple(one.id for one in diagnosis.findings) or ("none",)
    claim = narrowed(Assertion, subject=services, signal=SIGNALS, evidence=ids)
    gap = narrowed(Gap, subject=services, what=GAPS)
    return {"claims": several(claim, 0, MOST_CLAIMS), "not_known": several(gap, 1, MOST_CLAIMS)}


def _seen(briefing: Briefing, diagnosis: Diagnosis) -> list[Passage]:
    """Return what is known, without what the engine makes of it; findings in a neutral order."""
    rows = sorted(diagnosis.findings, key=lambda one: (one.service, one.what))
    lines = [
        f"{one.id}: {one.service} {one.what}: {one.before} -> {one.now}"
        f" ({'changed' if one.changed else 'unchanged'})"
        for one in rows
    ]
    return [*known(briefing), Passage("findings", "\n".join(lines))]


def _ranking(diagnosis: Diagnosis) -> str:
    lines: Sequence[str] = [
        f"{one.kind} of {one.service}: {one.statement}; {one.held} of {one.checks} checks held"
        for one in diagnosis.hypotheses
    ]
    return "\n".join(lines) or "nothing"
