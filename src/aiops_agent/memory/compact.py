"""Old incidents that tell the same story become one case: how many there were, what came of each.

Code merges, and no model writes. The case that is kept whole is the newest that an action mended,
else the newest; the ids of all stay in it.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.domain.incident import Ending
from aiops_agent.domain.postmortem import CaseSource, PastIncident, Pattern, PatternOutcome
from aiops_agent.domain.remediation import Recovery
from aiops_agent.memory.advise import outcomes
from aiops_agent.memory.calibration import held
from aiops_agent.memory.terms import shape_terms
from aiops_agent.ports.archive import CaseSize, KeepLimits

FRESH = timedelta(days=14)  # what came back lately is counted one by one
SAME_STORY = 0.6  # shared part of two shapes, of all their terms
_NAME = re.compile(r"\b(?:INC|TOLD)-[0-9A-Z]+\b")


def beyond(limits: KeepLimits, cases: Iterable[CaseSize], now: datetime) -> frozenset[str]:
    """Return the cases beyond any of the limits, less those that are fresh."""
    found, taken = set[str](), 0
    for place, one in enumerate(sorted(cases, key=lambda one: one.ended_at, reverse=True)):
        taken, old = taken + one.size, now - one.ended_at
        over = place >= limits.records or taken > limits.size or old > limits.age
        if over and old > FRESH:
            found.add(one.id)
    return frozenset(found)


@dataclass(frozen=True)
class Merge:
    """A case that takes the place of several; `members` are these, the one kept whole too."""

    made: PastIncident
    members: tuple[PastIncident, ...]


def cited(texts: Iterable[str]) -> frozenset[str]:
    """Return the names of incidents that stand in texts."""
    return frozenset(name for text in texts for name in _NAME.findall(text))


def spoken(case: PastIncident) -> str:
    """Return what people said of a case: whatever incident they name stays as it is."""
    return "\n".join((*case.declined, *(rating.words for rating in case.ratings)))


def merges(cases: Iterable[PastIncident], over: Collection[str]) -> Iterator[Merge]:
    """Yield what may become one, of the cases that are `over` the limits.

    What people rated or brought in stays as it is.
    """
    newest_first = sorted(cases, key=lambda one: one.ended_at, reverse=True)
    stories: dict[tuple[str, ...], list[PastIncident]] = defaultdict(list)
    for case in newest_first:
        if case.id in over and not case.ratings and case.source is CaseSource.OWN:
            stories[_story(case)].append(case)
    for same in stories.values():
        yield from _merged(same)


def _story(case: PastIncident) -> tuple[str, ...]:
    names = (case.environment, case.service, case.cause_service, case.believed, case.trigger)
    return tuple(map(str, names))


def _merged(same: Sequence[PastIncident]) -> Iterator[Merge]:
    shapes = {case.id: _shape(case) for case in same}
    left = sorted(same, key=_mended, reverse=True)  # stable: the newest of each first
    while left:
        whole, *others = left
        alike = [one for one in others if _overlap(shapes[whole.id], shapes[one.id]) >= SAME_STORY]
        if alike:
            yield Merge(_made(whole, alike), (whole, *alike))
        taken = {one.id for one in alike}
        left = [one for one in others if one.id not in taken]


def _mended(case: PastIncident) -> bool:
    return any(one.recovery is Recovery.RECOVERED for one in case.tried)


def _shape(case: PastIncident) -> frozenset[str]:
    return frozenset(shape_terms(case.signature, case.believed, case.trigger))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / (len(one | other) or 1)


def _made(whole: PastIncident, others: Sequence[PastIncident]) -> PastIncident:
    known = [case.pattern for case in (whole, *others) if case.pattern]
    members = [*(one.id for one in others), *(name for p in known for name in p.members)]
    idle = [one for one in others if not one.tried]
    pattern = Pattern(
        members=tuple(dict.fromkeys(members)),
        since=min((*(one.began for one in others), *(p.since for p in known))),
        outcomes=_outcomes(whole, others),
        idle=len(idle) + sum(p.idle for p in known),
        held=held((_apart(whole), *others)),
        healed=sum(one.ending is Ending.HEALED for one in idle) + sum(p.healed for p in known),
    )
    return whole.model_copy(update={"pattern": pattern})


def _apart(whole: PastIncident) -> PastIncident:
    """Return of a case what it already stands for, without what it is itself."""
    return whole.model_copy(update={"confidence": None})


def _outcomes(whole: PastIncident, others: Sequence[PastIncident]) -> tuple[PatternOutcome, ...]:
    """Return what came of actions in all but the whole case, the most frequent first."""
    told = list(whole.pattern.outcomes) if whole.pattern else []
    told += [one for case in others for one in outcomes(case)]
    sums: dict[tuple[str, str, Recovery], PatternOutcome] = {}
    for one in told:  # to how many replicas it was scaled tells nothing more
        key = (one.action.kind, one.action.target.name, one.recovery)
        known = sums.get(key)
        if known is not None:
            times, last = known.times + one.times, max(known.last, one.last)
            sums[key] = one.model_copy(update={"times": times, "last": last})
        else:
            sums[key] = one
    return tuple(sorted(sums.values(), key=lambda one: -one.times))
