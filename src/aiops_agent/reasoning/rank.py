"""Which cause is the likeliest, and how sure may we be?

Predictions are counted; what is contradicted falls back. How sure that is says belief.py alone.
A hang has no sign of its own: it is what is left when nothing specific fits, and names no service
against the blame of what was measured (reasoning/blame.py).
"""

# limit: one order of all causes, beside every rule of what stands before what

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from aiops_agent.domain.diagnosis import CauseKind, Confidence
from aiops_agent.domain.quantity import signal_name
from aiops_agent.domain.telemetry import GOLDEN, ServiceKind, Signal
from aiops_agent.reasoning.belief import Grounds, level
from aiops_agent.reasoning.causes import (
    capacity,
    cold_cache,
    config,
    contention,
    crash,
    dependency,
    errors,
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
    crash.suspect,
    errors.suspect,
    contention.suspect,
)
# Less than half of the predictions held: naming a cause would be a guess.
UNLIKELY = 0.45
CONTRADICTION = 0.4  # what one contradicted prediction leaves of a score
UNSEEN_PART = 0.4  # how much of the score rests on having seen everything
BESIDE = 0.1  # of the most blamed: a service that changed less by itself suffers only
OWN = 0.25  # share of the pain: with less of its own it passes on what others do
FAINT = 0.01  # of a weight: beside the first only where nothing else is
UNSIGNED = 0.5  # of the weight of a second without a sign of its own: effects are shared
MEANWHILE = 0.5  # the least that a change since the trouble began counts as a second one's cause
SPECIFIC = 0.6  # a score from which a mechanism with signs of its own stands before a hang
LEFT_OVER = 0.7  # of a hang's score, then: a perfect one still stands beside a doubtful mechanism
STRANGER = 0.4  # of a score, where nobody is known to call and who alerts explains itself
SIGNALS = frozenset(signal.value for signal in Signal)
WHAT_NOBODY_SEES = {
    CauseKind.CAPACITY: "why {service} is asked for more",
    CauseKind.HANG: "why {service} stopped answering; a restart removes the traces",
    CauseKind.RELEASE: "which part of the release does it",
    CauseKind.CONFIG: "why the setting of {service} was changed",
    CauseKind.LEAK: "what in {service} holds the memory",
    CauseKind.DEPENDENCY: "what happened inside {service}, and how long it will take",
    CauseKind.COLD_CACHE: "why {service} lost its content",
    CauseKind.ERRORS: "which code of {service} fails",
    CauseKind.CONTENTION: "what uses up the capacity of {service}",
    CauseKind.CRASH: "why {service} ended",
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

    @property
    def signs(self) -> int:
        """How many predictions held that are of this mechanism alone."""
        return sum(p.sign and p.held for p in self.suspicion.predictions)

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
    explained = any(_explains_itself(case, one) for one in found.values())
    weighed = [_left_over(one) if specific else one for one in found.values()]
    weighed = [_stranger(case, one) if explained else one for one in weighed]
    blamed = {one.service: one.score for one in case.blame.blamed}
    names = {name: place for place, name in enumerate(case.scene.names)}
    # Of equals the one that is blamed more, then as they were read: a name decides nothing.
    ordered = sorted(
        weighed,
        key=lambda one: (
            -round(one.score, 6),
            -blamed.get(one.suspicion.service, 0.0),
            names.get(one.suspicion.service, len(names)),
        ),
    )
    if not ordered or ordered[0].score < UNLIKELY:
        ordered.insert(0, _unknown(case))
    return _second(case, _moved(case, ordered))


def _second(case: Investigation, ordered: tuple[Ranked, ...]) -> tuple[Ranked, ...]:
    """Put what may go wrong beside the first cause in the second place: two faults may meet.

    Not another reading of the same service, nor of where the first shows; a service that hardly
    changed by itself is left where it is, unless there is a sign of its very own.
    """
    first, *rest = ordered
    blamed = {one.service: one.score for one in case.blame.blamed}
    most = max(blamed.values(), default=0.0)
    told = {first.suspicion.service, first.suspicion.seen_at} - {""}

    def weight(one: Ranked) -> float:
        # The service itself or the store that it burdens: either shows that something happened.
        name, places = one.suspicion.service, {one.suspicion.service, one.suspicion.seen_at}
        part = max(blamed.get(place, 0.0) for place in places) / most if most > 0 else 0.0
        # Who calls the first suffers from it.
        explained = case.own.get(name, 0.0) < OWN and told & set(case.scene.graph.callees(name))
        alike = one.suspicion.kind is first.suspicion.kind
        if name in told or (alike and (places & told or _passed_on(case, first, one))):
            return 0.0
        # A sign of something else, or a change meanwhile, needs no effect that can be told from the
        # first cause's; of the rest count last who is hidden, or changed much though explained.
        change = one.suspicion.change
        meanwhile = change is not None and case.late(change)
        if one.signs == 0 and not meanwhile and (part < BESIDE or explained):
            return FAINT * one.score if part >= OWN or not case.scene.pain(name) else 0.0
        certain = 1.0 if one.signs or meanwhile else UNSIGNED
        return certain * max(one.score, MEANWHILE * meanwhile) * (BESIDE + (1.0 - BESIDE) * part)

    beside = max(rest, key=weight, default=None)
    if beside is None or weight(beside) <= 0.0:
        return ordered
    return (first, beside, *(one for one in rest if one is not beside))


def _passed_on(case: Investigation, first: Ranked, one: Ranked) -> bool:
    """Whether one's demand is the first's, which called it or left it work in a queue."""
    if one.suspicion.kind is not CauseKind.CAPACITY:
        return False
    graph, name, asked = case.scene.graph, one.suspicion.service, first.suspicion.service
    shared = set(graph.callees(name)) & set(graph.callees(asked))
    queues = any(case.kind(other) is ServiceKind.QUEUE for other in shared)
    return queues or name in graph.downstream(asked)


def _specific(one: Ranked) -> bool:
    """Whether a mechanism with signs of its own fits, and nothing speaks against it."""
    named = one.suspicion.kind not in (CauseKind.HANG, CauseKind.UNKNOWN)
    return named and one.score >= SPECIFIC and not one.count(Observed.CONTRADICTED)


def _explains_itself(case: Investigation, one: Ranked) -> bool:
    """Whether who alerts has a mechanism with its own signs, and no call is known that led to it.

    Of two services that are ill at once, with nothing between them, each has its own cause.
    """
    own = one.suspicion.service == case.scene.service and not case.scene.graph.calls
    return own and one.signs > 0 and _specific(one)


def _stranger(case: Investigation, one: Ranked) -> Ranked:
    own = case.scene.service in (one.suspicion.service, one.suspicion.seen_at)
    return one if own else replace(one, score=STRANGER * one.score)


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
    name = case.worth_naming or case.scene.service
    hurts = name in case.hurting
    told = f"{name} suffers, and no cause that we know explains what is seen"
    predictions = [expect(f"{name} suffers", hurts)]
    if case.worth_naming is not None:
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
    on, blind = grounds(case, ranking), len(blind_spots(case, best))
    seen = best.count(Observed.HELD, Observed.FAILED, Observed.CONTRADICTED)
    words = [f"{best.count(Observed.HELD)} of {seen} predictions held"]
    if contradicted := best.count(Observed.CONTRADICTED):
        words.append(f"{contradicted} contradicted")
    if rival is not None:
        other = f"{rival.suspicion.kind} of {rival.suspicion.service}".replace("_", " ")
        words.append(f"next is {other} at {rival.score:.2f} against {best.score:.2f}")
    things = {0: "nothing was hidden", 1: "1 thing could not be seen"}
    words.append(things.get(blind, f"{blind} things could not be seen"))
    return level(on, whole=blind == 0), ", ".join(words)


def grounds(case: Investigation, ranking: tuple[Ranked, ...]) -> Grounds:
    """Return what speaks for the first of `ranking`."""
    best, rival = ranking[0], _rival(ranking)
    suspicion = best.suspicion
    places = {suspicion.service, suspicion.seen_at}
    blamed = [(one.service in places, one.score) for one in case.blame.blamed]
    total = sum(score for _, score in blamed)
    weights = [(one.result, one.weight) for one in suspicion.predictions]
    seen = sum(weight for result, weight in weights if result is not Observed.UNSEEN)
    external = case.kind(suspicion.service) is ServiceKind.EXTERNAL
    used = case.shift(suspicion.seen_at or suspicion.service, Signal.SATURATION)
    return Grounds(
        score=best.score,
        margin=best.score - rival.score if rival else best.score,
        agreed=sum(score for own, score in blamed if own) / total if total > 0 else 0.0,
        sight=seen / max(sum(weight for _, weight in weights), 1e-9),
        sign=best.signs > 0,
        contradicted=best.count(Observed.CONTRADICTED) > 0,
        graph=bool(case.scene.graph.calls),
        saturation=external or used is not None,
    )


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


def _rival(ranking: tuple[Ranked, ...]) -> Ranked | None:
    """Return the next hypothesis that would call for something else."""
    best = ranking[0].suspicion
    others = (
        one for one in ranking[1:] if best.change is None or one.suspicion.change != best.change
    )
    return max(others, key=lambda one: one.score, default=None)
