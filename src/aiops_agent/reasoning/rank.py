"""Which cause is the likeliest, and how sure may we be?

Predictions are counted; what is contradicted falls back. Confidence is counted too, never felt.
A hang has no sign of its own: it is what is left when nothing specific fits, and names no service
against the blame of what was measured (reasoning/blame.py).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from aiops_agent.domain.diagnosis import CauseKind, Confidence
from aiops_agent.domain.quantity import signal_name
from aiops_agent.domain.telemetry import GOLDEN, ServiceKind, Signal
from aiops_agent.reasoning.causes import (
    capacity,
    cold_cache,
    config,
    dependency,
    hang,
    leak,
    release,
)
from aiops_agent.reasoning.suspect import Fact, Investigation, Observed, Suspicion, expect, fact

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
SPECIFIC = 0.6  # a score from which a mechanism with signs of its own stands before a hang
LEFT_OVER = 0.7  # of a hang's score, then: a perfect one still stands beside a doubtful mechanism
LEVELS = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
SIGNALS = frozenset(signal.value for signal in Signal)
WHAT_NOBODY_SEES = {
    CauseKind.CAPACITY: "why {service} is asked for more",
    CauseKind.HANG: "why {service} stopped answering; a restart removes the traces",
    CauseKind.RELEASE: "which part of the release does it",
    CauseKind.CONFIG: "why the setting of {service} was changed",
    CauseKind.LEAK: "what in {service} holds the memory",
    CauseKind.DEPENDENCY: "what happened inside {service}, and how long it will take",
    CauseKind.COLD_CACHE: "why {service} lost its content",
    CauseKind.UNKNOWN: "the cause",
}


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
    specific = any(_specific(one) for one in found.values())
    weighed = (_left_over(one) if specific else one for one in found.values())
    ordered = sorted(weighed, key=lambda one: (-one.score, one.key))
    if not ordered or ordered[0].score < UNLIKELY:
        ordered.insert(0, _unknown(case))
    return _moved(case, ordered)


def _specific(one: Ranked) -> bool:
    """Whether a mechanism with signs of its own fits, and nothing speaks against it."""
    named = one.suspicion.kind not in (CauseKind.HANG, CauseKind.UNKNOWN)
    return named and one.score >= SPECIFIC and not one.count(Observed.CONTRADICTED)


def _left_over(one: Ranked) -> Ranked:
    hang = one.suspicion.kind is CauseKind.HANG
    return replace(one, score=LEFT_OVER * one.score) if hang else one


def _moved(case: Investigation, ordered: list[Ranked]) -> tuple[Ranked, ...]:
    """Put the service that is to blame first where no mechanism says which one it is.

    A hang stands first only at a service that blame names: else a restart would be a guess.
    """
    first = ordered[0].suspicion
    open_ = first.kind in (CauseKind.HANG, CauseKind.UNKNOWN)
    if not open_ or first.service == case.blamed:
        return tuple(ordered)
    rest = [one for one in ordered if one.suspicion.kind is not CauseKind.UNKNOWN]
    return (_unknown(case), *rest)


def score(case: Investigation, suspicion: Suspicion) -> float:
    """Return the share of predictions that held, 0..1, less for contradictions and blind spots."""
    total = sum(one.weight for one in suspicion.predictions)
    seen = sum(one.weight for one in suspicion.predictions if one.result is not Observed.UNSEEN)
    held = sum(one.weight for one in suspicion.predictions if one.result is Observed.HELD)
    wrong = sum(one.result is Observed.CONTRADICTED for one in suspicion.predictions)
    if seen == 0:
        return 0.0
    sight = 1.0 - UNSEEN_PART + UNSEEN_PART * seen / total
    near = case.scene.reach(suspicion.seen_at or suspicion.service)
    return float(held / seen * sight * CONTRADICTION**wrong * near)


def _unknown(case: Investigation) -> Ranked:
    name = case.blamed or case.scene.service
    hurts = name in case.hurting
    told = f"{name} suffers, and no cause that we know explains what is seen"
    predictions = [expect(f"{name} suffers", hurts)]
    if case.blamed is not None:
        told = f"{name} changed most by itself, and no cause that we know explains how"
        moved = [
            fact(signal, name)
            for signal in Signal
            if (one := case.shift(name, signal)) is not None and (one.up or one.down)
        ]
        predictions = [expect(f"{name} changed more than what it depends on", True, *moved)]
    return Ranked(Suspicion(CauseKind.UNKNOWN, name, told, tuple(predictions)), UNLIKELY)


def confidence(case: Investigation, ranking: tuple[Ranked, ...]) -> tuple[Confidence, str]:
    """Return the confidence in the first of `ranking` and the counts behind the word."""
    best, rival = ranking[0], _rival(ranking)
    held = best.count(Observed.HELD)
    behind = best.score - rival.score if rival else best.score
    blind = len(blind_spots(case, best))
    level = _level(best, behind)
    lowered = max(level - (2 if blind > 3 else min(blind, 1)), 0)
    seen = best.count(Observed.HELD, Observed.FAILED, Observed.CONTRADICTED)
    words = [f"{held} of {seen} predictions held"]
    if contradicted := best.count(Observed.CONTRADICTED):
        words.append(f"{contradicted} contradicted")
    if rival is not None:
        other = f"{rival.suspicion.kind} of {rival.suspicion.service}".replace("_", " ")
        words.append(f"next is {other} at {rival.score:.2f} against {best.score:.2f}")
    things = {0: "nothing was hidden", 1: "1 thing could not be seen"}
    words.append(things.get(blind, f"{blind} things could not be seen"))
    return LEVELS[lowered], ", ".join(words)


def blind_spots(case: Investigation, best: Ranked) -> tuple[str, ...]:
    """Return what could not be seen and bears on the first hypothesis.

    A source or a signal is one blind spot, however many predictions rest on it.
    """
    service = best.suspicion.service
    wanted: dict[Fact, None] = {}
    if case.kind(service) is not ServiceKind.EXTERNAL:
        wanted = {fact(signal, service): None for signal in GOLDEN}
    unseen = [one for one in best.suspicion.predictions if one.result is Observed.UNSEEN]
    wanted.update(dict.fromkeys(one for prediction in unseen for one in prediction.facts))
    blind = [
        one for one in wanted if one[0] in SIGNALS and case.shift(one[1], Signal(one[0])) is None
    ]
    spots = [reason for _, reason in case.scene.missing]
    spots += [f"the {signal_name(Signal(kind))} of {name} is not seen" for kind, name in blind]
    if not case.scene.missing:
        spots += [f"whether {one.claim}" for one in unseen if not set(one.facts) & set(blind)]
    return tuple(dict.fromkeys(spots))


def not_known(case: Investigation, best: Ranked) -> tuple[str, ...]:
    """Return what nobody knows: never empty."""
    nobody = WHAT_NOBODY_SEES[best.suspicion.kind].format(service=best.suspicion.service)
    return (nobody, *blind_spots(case, best))


def _level(best: Ranked, behind: float) -> int:
    if best.suspicion.kind is CauseKind.UNKNOWN or best.count(Observed.CONTRADICTED):
        return 0
    # High needs a clear lead and at least four independent checks; medium a small lead.
    if best.score >= 0.7 and behind >= 0.15 and best.count(Observed.HELD) >= 4:
        return 2
    return 1 if best.score >= 0.55 and behind >= 0.05 else 0


def _rival(ranking: tuple[Ranked, ...]) -> Ranked | None:
    """Return the next hypothesis that would call for something else."""
    best = ranking[0].suspicion
    for other in ranking[1:]:
        same = best.change is not None and other.suspicion.change == best.change
        if not same:
            return other
    return None
