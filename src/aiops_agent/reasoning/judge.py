"""How sure may we be? Confidence is counted, never felt."""

from aiops_agent.domain.diagnosis import CauseKind, Confidence
from aiops_agent.domain.quantity import signal_name
from aiops_agent.domain.telemetry import GOLDEN, ServiceKind
from aiops_agent.reasoning.rank import Ranked
from aiops_agent.reasoning.suspect import Case, Result

LEVELS = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
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


def confidence(case: Case, ranking: tuple[Ranked, ...]) -> tuple[Confidence, str]:
    """Return the confidence in the first of `ranking` and the counts behind the word."""
    best, rival = ranking[0], _rival(ranking)
    held, failed = best.count(Result.HELD), best.count(Result.FAILED, Result.CONTRADICTED)
    behind = best.score - rival.score if rival else best.score
    blind = len(blind_spots(case, best))
    level = _level(best, behind)
    lowered = max(level - (2 if blind > 3 else min(blind, 1)), 0)
    seen = held + failed
    words = [f"{held} of {seen} predictions held"]
    if contradicted := best.count(Result.CONTRADICTED):
        words.append(f"{contradicted} contradicted")
    if rival is not None:
        other = f"{rival.suspicion.kind} of {rival.suspicion.service}".replace("_", " ")
        words.append(f"next is {other} at {rival.score:.2f} against {best.score:.2f}")
    words.append(_hidden(blind))
    return LEVELS[lowered], ", ".join(words)


def blind_spots(case: Case, best: Ranked) -> tuple[str, ...]:
    """Return what could not be seen and bears on the first hypothesis."""
    spots = [reason for _, reason in case.scene.missing]
    service = best.suspicion.service
    if case.kind(service) is not ServiceKind.EXTERNAL:
        spots += [
            f"the {signal_name(signal)} of {service} is not seen"
            for signal in GOLDEN
            if case.shift(service, signal) is None
        ]
    unseen = (one for one in best.suspicion.predictions if one.result is Result.UNSEEN)
    told = {"changes": "no change", "logs": "write"}
    for one in unseen:
        # A source that is missing is one blind spot, however many predictions rest on it.
        if not any(case.scene.lacks(source) and hint in one.claim for source, hint in told.items()):
            spots.append(f"whether {one.claim}")
    return tuple(dict.fromkeys(spots))


def not_known(case: Case, best: Ranked) -> tuple[str, ...]:
    """Return what nobody knows: never empty."""
    nobody = WHAT_NOBODY_SEES[best.suspicion.kind].format(service=best.suspicion.service)
    return (nobody, *blind_spots(case, best))


def _level(best: Ranked, behind: float) -> int:
    if best.suspicion.kind is CauseKind.UNKNOWN or best.count(Result.CONTRADICTED):
        return 0
    if best.score >= 0.7 and behind >= 0.15 and best.count(Result.HELD) >= 4:
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


def _hidden(blind: int) -> str:
    if not blind:
        return "nothing was hidden"
    return "1 thing could not be seen" if blind == 1 else f"{blind} things could not be seen"
