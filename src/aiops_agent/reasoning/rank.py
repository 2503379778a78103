"""Which cause is the likeliest? Predictions are counted; what is contradicted falls back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.reasoning.causes import (
    capacity,
    cold_cache,
    config,
    dependency,
    hang,
    leak,
    release,
)
from aiops_agent.reasoning.explain import reach
from aiops_agent.reasoning.suspect import Investigation, Observed, Suspicion, expect

CAUSES: tuple[Callable[[Investigation], Iterator[Suspicion]], ...] = (
    capacity.suspect,
    hang.suspect,
    release.suspect,
    config.suspect,
    leak.suspect,
    dependency.suspect,
    cold_cache.suspect,
)
# Less than half of the predictions held: naming a cause would be a guess.
UNLIKELY = 0.45
CONTRADICTION = 0.4  # what one contradicted prediction leaves of a score
UNSEEN_PART = 0.4  # how much of the score rests on having seen everything


@dataclass(frozen=True)
class Ranked:
    """A suspicion with its score in 0..1."""

    suspicion: Suspicion
    score: float

    @property
    def key(self) -> str:
        """The key of the hypothesis that it becomes."""
        return f"{self.suspicion.kind}:{self.suspicion.service}"

    def count(self, *results: Observed) -> int:
        """Return how many predictions came out so."""
        return sum(one.result in results for one in self.suspicion.predictions)


def rank(case: Investigation, refuted: frozenset[str]) -> tuple[Ranked, ...]:
    """Return suspicions, the likeliest first, one for each kind and service.

    Hypotheses whose key is in `refuted` are left out. Where nothing reaches UNLIKELY, the first
    is UNKNOWN.
    """
    found: dict[str, Ranked] = {}
    for suspicion in (one for cause in CAUSES for one in cause(case)):
        ranked = Ranked(suspicion, score(case, suspicion))
        known = found.get(ranked.key)
        if ranked.key not in refuted and (known is None or ranked.score > known.score):
            found[ranked.key] = ranked
    ordered = sorted(found.values(), key=lambda one: (-one.score, one.key))
    if not ordered or ordered[0].score < UNLIKELY:
        ordered.insert(0, _unknown(case))
    return tuple(ordered)


def score(case: Investigation, suspicion: Suspicion) -> float:
    """Return the share of predictions that held, 0..1, less for contradictions and blind spots."""
    total = sum(one.weight for one in suspicion.predictions)
    seen = sum(one.weight for one in suspicion.predictions if one.result is not Observed.UNSEEN)
    held = sum(one.weight for one in suspicion.predictions if one.result is Observed.HELD)
    wrong = sum(one.result is Observed.CONTRADICTED for one in suspicion.predictions)
    if seen == 0:
        return 0.0
    sight = 1.0 - UNSEEN_PART + UNSEEN_PART * seen / total
    near = reach(case.scene, suspicion.seen_at or suspicion.service)
    return float(held / seen * sight * CONTRADICTION**wrong * near)


def _unknown(case: Investigation) -> Ranked:
    name = case.scene.service
    hurts = name in case.hurting
    suspicion = Suspicion(
        kind=CauseKind.UNKNOWN,
        service=name,
        statement=f"{name} suffers, and no cause that we know explains what is seen",
        predictions=(expect(f"{name} suffers", hurts),),
    )
    return Ranked(suspicion, UNLIKELY)
