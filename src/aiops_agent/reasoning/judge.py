"""How sure may we be? Confidence is counted, never felt."""

from aiops_agent.domain.diagnosis import CauseKind, Confidence
from aiops_agent.domain.quantity import signal_name
from aiops_agent.domain.telemetry import GOLDEN, ServiceKind, Signal
from aiops_agent.reasoning.rank import Ranked
from aiops_agent.reasoning.suspect import Fact, Investigation, Observed, fact

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


def confidence(case: Investigation, ranking: tuple[Ranked, ...]) -> tuple[Confidence, str]:
    """Return the confidence in the first of `ranking` and the counts behind the word."""
    best, rival = ranking[0], _rival(ranking)
    held, failed = (
        best.count(Observed.HELD),
        best.count(Observed.FAILED, Observed.CONTRADICTED),
    )
    behind = best.score - rival.score if rival else best.score
    blind = len(blind_spots(case, best))
    level = _level(best, behind)
    lowered = max(level - (2 if blind > 3 else min(blind, 1)), 0)
    seen = held + failed
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
    blind = [one for one in wanted if one[0] in SIGNALS and not _seen(case, one)]
    spots = [reason for _, reason in case.scene.missing]
    spots += [f"the {signal_name(Signal(kind))} of {name} is not seen" for kind, name in blind]
    if not case.scene.missing:
        spots += [f"whether {one.claim}" for one in unseen if not set(one.facts) & set(blind)]
    return tuple(dict.fromkeys(spots))


def _seen(case: Investigation, one: Fact) -> bool:
    return (one[1], Signal(one[0])) in case.scene.shifts


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
