"""What memory says of an action: it helped, it did not, or telemetry says otherwise now."""

from collections.abc import Iterable, Iterator, Sequence

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.remediation import ActionKind, Alternative, Offer, Precedent, Recovery
from aiops_agent.ports.memory import Hit

FAILED = (Recovery.NOT_RECOVERED, Recovery.WORSE)


def cited(hits: Iterable[Hit], menu: Sequence[Offer]) -> tuple[Precedent, ...]:
    """Return each action that was tried in the like of this, the likest incident first."""
    nouns = {offer.kind: offer.noun for offer in menu}
    return tuple(
        Precedent(
            incident=hit.case.id,
            ended_at=hit.case.ended_at,
            action=past.action,
            noun=nouns.get(past.action.kind) or past.action.kind.replace("_", " "),
            recovery=past.recovery,
            reasons=hit.reasons,
        )
        for hit in hits
        for past in hit.case.tried
    )


def standing(kinds: set[ActionKind], known: Iterable[Precedent]) -> int:
    """Return 1 when these kinds of action helped before, -1 when they only failed, else 0."""
    seen = {one.recovery for one in known if one.action.kind in kinds}
    if Recovery.RECOVERED in seen:
        return 1
    return -1 if seen & set(FAILED) else 0


def precedents(kinds: set[ActionKind], known: Sequence[Precedent]) -> tuple[Precedent, ...]:
    """Return what helped or else failed of these kinds of action, and what failed beside them."""
    if not kinds:
        return ()
    own = [one for one in known if one.action.kind in kinds]
    others = [one for one in known if one.action.kind not in kinds]
    best = next(_helped(own), None) or next(_failed(own), None)
    return tuple(one for one in (best, next(_failed(others), None)) if one is not None)


def beside_memory(
    rejected: Sequence[Alternative],
    known: Sequence[Precedent],
    fits: set[ActionKind],
    cause: CauseKind,
) -> list[Alternative]:
    """Return rejected remedies with what memory says of them; where it praises, telemetry wins.

    `fits` are the kinds of action that the cause calls for: memory adds nothing against those.
    """
    found = [_weighed(one, known) for one in rejected]
    settled = fits | {action.kind for one in rejected for action in one.actions}
    for past in _helped(known):
        if past.action.kind in settled:
            continue
        settled |= {past.action.kind}
        signs = f"the signs are of {cause.value.replace('_', ' ')}"
        found.append(Alternative(actions=(past.action,), drawback=_contradicted(past, signs)))
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
