"""What memory says of actions: which helped, which did not, and whether the trouble comes back.

Memory puts fitting actions in order and tells people why; it adds no action and lifts no check.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import timedelta

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.postmortem import CaseSource, PastIncident, PatternOutcome, TriedAction
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    Alternative,
    EffectState,
    Offer,
    Precedent,
    Recovery,
)
from aiops_agent.memory.odds import FAILED, standing, weight
from aiops_agent.ports.memory import Hit, RecallQuery

RECENT = timedelta(days=14)  # what came back within it is named
_NTH = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


def cited(
    hits: Sequence[Hit], menu: Sequence[Offer], query: RecallQuery, release: str = ""
) -> tuple[Precedent, ...]:
    """Return each action of the menu that was done in the like of this, the likest incident first.

    What others merely tell of, and what was not done whole, says nothing of an action.
    `release` is what the service of the cause runs now, if known.
    """
    nouns = {offer.kind: offer.noun for offer in menu}
    own = [hit for hit in hits if hit.case.source is CaseSource.OWN]
    heals = healing(own)
    found = [
        Precedent(
            incident=hit.case.id,
            ended_at=past.last,
            action=past.action,
            noun=nouns.get(past.action.kind) or past.action.kind.replace("_", " "),
            recovery=Recovery.INCONCLUSIVE if hit.case.doubted else past.recovery,
            reasons=hit.reasons,
            weight=past.times * weight(past.last, query.incident.opened_at, hit.held),
            heals=heals,
            here=_here(hit.case, past.action, query, release),
            held=hit.held,
            times=past.times,
        )
        for hit in own
        for past in outcomes(hit.case)
        if _fits(past, nouns)
    ]
    return tuple(_counted(one, found) for one in found)


def outcomes(case: PastIncident) -> Iterator[PatternOutcome]:
    """Yield what was done whole in a case and in those that it stands for."""
    for one in filter(_tells, case.tried):
        yield PatternOutcome(action=one.action, recovery=one.recovery, times=1, last=case.ended_at)
    yield from case.pattern.outcomes if case.pattern else ()


def _fits(past: PatternOutcome, menu: Container[ActionKind]) -> bool:
    """Whether it may be done again here: memory adds no action to the menu."""
    return past.action.kind in menu


def _tells(past: TriedAction) -> bool:
    """Whether what was done says anything of the action: it was done whole."""
    return past.state is EffectState.APPLIED


def healing(hits: Iterable[Hit]) -> float:
    """Return the share of the like that healed by itself, of those in which nothing was done."""
    cases = [hit.case for hit in hits]
    idle = [case for case in cases if not case.tried]
    patterns = [case.pattern for case in cases if case.pattern]
    healed = sum(case.ending is Ending.HEALED for case in idle) + sum(p.healed for p in patterns)
    count = len(idle) + sum(p.idle for p in patterns)
    return healed / (count + 1)  # the one more keeps a single case from saying "always"


def _here(case: PastIncident, action: Action, query: RecallQuery, release: str) -> bool:
    of = query.service or query.incident.service
    same = action.target.name == of and case.cause_service == of
    return same and (not release or not case.release or case.release == release)


def _counted(one: Precedent, all_of_them: Sequence[Precedent]) -> Precedent:
    own = [other for other in all_of_them if other.action.kind == one.action.kind]
    said = [other for other in own if other.recovery is not Recovery.INCONCLUSIVE]
    helped = sum(other.times for other in said if other.recovery is Recovery.RECOVERED)
    tries = sum(other.times for other in said)
    return one.model_copy(update={"helped": helped, "tries": max(tries, 1)})


def recurrence(hits: Sequence[Hit], query: RecallQuery, known: Sequence[Precedent]) -> str:
    """Return how often the same came back lately, and how long what helped held; "" for never."""
    now, of = query.incident.started_at, query.service or query.incident.service
    same = [
        hit
        for hit in hits
        if hit.case.environment == query.incident.environment
        and hit.case.cause_service == of
        and hit.case.believed is query.cause
        and timedelta() <= now - hit.case.ended_at <= RECENT
    ]
    if not same or query.cause in (None, CauseKind.UNKNOWN):
        return ""
    count = len(same) + 1
    times = _NTH[count] if count < len(_NTH) else f"{count}th"
    ids = {hit.case.id for hit in same}
    helped = [one for one in known if one.incident in ids and one.recovery is Recovery.RECOVERED]
    lasted = sorted(one.held or now - one.ended_at for one in helped)
    holds = f"; {helped[0].noun} holds for {_about(lasted[len(lasted) // 2])}" if helped else ""
    return f"{times} time in two weeks{holds}"


def _about(length: timedelta) -> str:
    for name, one in (("day", 86400.0), ("hour", 3600.0)):
        if (count := round(length.total_seconds() / one)) >= 1:
            return f"about {count} {name}{'s' * (count > 1)}"
    return "less than an hour"


def precedents(kinds: set[ActionKind], known: Sequence[Precedent]) -> tuple[Precedent, ...]:
    """Return what helped and what failed of these kinds of action, and what failed beside them."""
    if not kinds:
        return ()
    own = [one for one in known if one.action.kind in kinds]
    others = [one for one in known if one.action.kind not in kinds]
    against = next(_failed(own), None) if standing(kinds, known) < 0 else None
    best = next(_helped(own), None) or next(_failed(own), None)
    shown = (against or best, next(_failed(others), None))
    return tuple(one for one in shown if one is not None)


def beside_memory(
    rejected: Sequence[Alternative],
    known: Sequence[Precedent],
    fits: set[ActionKind],
    cause: CauseKind,
) -> list[Alternative]:
    """Return rejected remedies with what memory says of them; where it praises, telemetry wins.

    `fits` are the kinds of action that the cause calls for: memory adds nothing against those.
    What memory alone praises is told in words: it is no action that anybody could take up.
    """
    found = [_weighed(one, known) for one in rejected]
    settled = fits | {action.kind for one in rejected for action in one.actions}
    for past in _helped(known):
        if past.action.kind in settled:
            continue
        settled |= {past.action.kind}
        signs = f"evidence points to {cause.value.replace('_', ' ')}"
        found.append(Alternative(text=past.noun, drawback=_contradicted(past, signs)))
    return found


def _weighed(one: Alternative, known: Sequence[Precedent]) -> Alternative:
    kinds = {action.kind for action in one.actions}
    own = [past for past in known if past.action.kind in kinds]
    drawback = one.drawback
    if helped := next(_helped(own), None):
        drawback = _contradicted(helped, drawback)
    elif failed := next(_failed(own), None):
        drawback = f"{drawback}; it did not help in {failed.where}"
    return one.model_copy(update={"drawback": drawback})


def _contradicted(past: Precedent, signs: str) -> str:
    return f"it helped in {past.where}, but telemetry contradicts: {signs}"


def _helped(known: Iterable[Precedent]) -> Iterator[Precedent]:
    return (one for one in known if one.recovery is Recovery.RECOVERED)


def _failed(known: Iterable[Precedent]) -> Iterator[Precedent]:
    return (one for one in known if one.recovery in FAILED)
