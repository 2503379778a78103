"""What memory says of a remedy: it helped, it did not, or telemetry says otherwise now."""

from collections.abc import Iterable, Sequence

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.postmortem import PastIncident, Remedy
from aiops_agent.domain.remediation import ActionKind, Alternative, Recovery

DEEDS = {
    ActionKind("restart_service"): "a restart",
    ActionKind("scale_pods"): "scaling",
    ActionKind("rollback_release"): "a rollback",
    ActionKind("set_config"): "changing the setting",
}
HELPED = (Recovery.RECOVERED,)
FAILED = (Recovery.NOT_RECOVERED, Recovery.WORSE)


def standing(kinds: set[ActionKind], alike: Iterable[PastIncident]) -> int:
    """Return 1 when these kinds of action helped before, -1 when they only failed, else 0."""
    seen = {past.recovery for _, past in _remedies(alike, kinds)}
    if Recovery.RECOVERED in seen:
        return 1
    return -1 if seen & set(FAILED) else 0


def precedent(kinds: set[ActionKind], alike: Sequence[PastIncident]) -> str:
    """Return what memory says of these kinds of action, and of what failed beside them."""
    if not kinds:
        return ""
    helped, failed = _first(alike, kinds, HELPED), _first(alike, kinds, FAILED)
    others = _first(alike, set(DEEDS) - kinds, FAILED)
    said = []
    if helped is not None:
        said.append(f"{_told(helped)} fixed the like of this")
    elif failed is not None:
        said.append(f"{_told(failed)} did not fix the like of this")
    if others is not None:
        said.append(f"{_told(others)} did not")
    return "; ".join(said)


def beside_memory(
    rejected: Sequence[Alternative],
    alike: Sequence[PastIncident],
    fits: set[ActionKind],
    cause: CauseKind,
) -> list[Alternative]:
    """Return rejected remedies with what memory says of them; where it praises, telemetry wins.

    `fits` are the kinds of action that the cause calls for: memory adds nothing against those.
    """
    found = [_cited(one, alike) for one in rejected]
    named = {kind for kind in DEEDS for one in rejected if one.text.startswith(kind)}
    for kind in DEEDS:
        praised = _first(alike, {kind}, HELPED)
        if praised is None or kind in fits or kind in named:
            continue
        case, past = praised
        drawback = (
            f"it helped in {case.id} ({_month(case)}), but telemetry contradicts:"
            f" the signs are of {cause.value.replace('_', ' ')}"
        )
        found.append(Alternative(text=past.action.text, drawback=drawback))
    return found


def _cited(one: Alternative, alike: Sequence[PastIncident]) -> Alternative:
    kinds = {kind for kind in DEEDS if one.text.startswith(kind)}
    helped, failed = _first(alike, kinds, HELPED), _first(alike, kinds, FAILED)
    drawback = one.drawback
    if helped is not None:
        case = helped[0]
        drawback = (
            f"it helped in {case.id} ({_month(case)}), but telemetry contradicts: {one.drawback}"
        )
    elif failed is not None:
        case = failed[0]
        drawback = f"{one.drawback}; it did not help in {case.id} ({_month(case)})"
    return one.model_copy(update={"drawback": drawback})


def _remedies(
    alike: Iterable[PastIncident], kinds: set[ActionKind]
) -> list[tuple[PastIncident, Remedy]]:
    return [(case, past) for case in alike for past in case.remedies if past.action.kind in kinds]


def _first(
    alike: Iterable[PastIncident], kinds: set[ActionKind], recoveries: tuple[Recovery, ...]
) -> tuple[PastIncident, Remedy] | None:
    found = (pair for pair in _remedies(alike, kinds) if pair[1].recovery in recoveries)
    return next(found, None)


def _told(found: tuple[PastIncident, Remedy]) -> str:
    case, past = found
    return f"{case.id} ({_month(case)}): {DEEDS[past.action.kind]}"


def _month(case: PastIncident) -> str:
    return f"{case.ended_at:%B}"
