"""Does a finding show what a model claims? Code checks each part, and writes the words."""

from collections.abc import Iterable, Sequence

from aiops_agent.domain.diagnosis import Diagnosis, Finding
from aiops_agent.domain.quantity import signal_name
from aiops_agent.domain.reasoning import (
    Assertion,
    CheckedClaim,
    Direction,
    SecondOpinion,
    Stand,
)
from aiops_agent.domain.telemetry import Signal

NEAR = 1.3  # a size is right within this factor: findings are shown rounded
LOG, CHANGE = "log", "change"
MOVED = {Direction.UP: "rose", Direction.DOWN: "fell", Direction.SAME: "stayed as it was"}


def of_signal(finding: Finding) -> str:
    """Return what a finding is about, as a claim names it: a signal, "log" or "change"."""
    if finding.signal is not None:
        return finding.signal.value
    return LOG if finding.what.startswith(f"{LOG}:") else CHANGE


def directions(finding: Finding) -> frozenset[Direction]:
    """Return the directions that a finding shows."""
    if finding.signal is None:
        return frozenset({Direction.NEW, Direction.UP} if of_signal(finding) == LOG else _NEW)
    if not finding.changed or finding.values is None:
        return frozenset({Direction.SAME})
    before, now = finding.values
    return frozenset({Direction.UP if now > before else Direction.DOWN})


def flaw(claim: Assertion, findings: Sequence[Finding]) -> str:
    """Return why no finding supports a claim, in words for whoever made it; "" when one does."""
    shown = next((one for one in findings if one.id == claim.evidence), None)
    if shown is None:
        return f"there is no finding {claim.evidence!r}"
    if shown.service != claim.subject:
        return f"{shown.id} is about {shown.service}, not {claim.subject}"
    if of_signal(shown) != claim.signal:
        return f"{shown.id} shows {of_signal(shown)}, not {claim.signal}"
    if claim.direction not in directions(shown):
        right = " or ".join(sorted(directions(shown)))
        return f"{shown.id} shows {right}, not {claim.direction}"
    return _wrong_size(claim, shown)


def checked(claims: Iterable[Assertion], findings: Sequence[Finding]) -> tuple[CheckedClaim, ...]:
    """Return every different claim with its words, and the reason why where it is struck."""
    return tuple(
        CheckedClaim(claim=one, words=_words(one, findings), wrong=flaw(one, findings))
        for one in dict.fromkeys(claims)
    )


def flaws(claims: Sequence[Assertion], findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return what is wrong with these claims, for the one who made them."""
    found = ((number, flaw(one, findings)) for number, one in enumerate(claims, start=1))
    return tuple(f"claim {number}: {wrong}" for number, wrong in found if wrong)


def told(opinion: SecondOpinion) -> str:
    """Return a model's reasoning as a sentence; every word of it is code's or the catalogue's."""
    suspect = f"suspects {opinion.first.words}" if opinion.first else "names no cause"
    because = "; ".join(one.words for one in opinion.supported)
    unsupported = len(opinion.struck)
    parts = [f"{suspect}, before it saw what statistics say"]
    if because:
        parts.append(f"because {because}")
    if unsupported:
        parts.append(f"{unsupported} of its claims no finding supports")
    if opinion.after != opinion.first:
        then = opinion.after.words if opinion.after else "that the cause is not known"
        parts.append(f"after it saw them it says {then}")
    end = {
        Stand.AGREES: "statistics say the same",
        Stand.DISAGREES: f"statistics say {opinion.engine}",
        Stand.NOT_KNOWN: f"statistics say {opinion.engine}",
    }
    return "; ".join([*parts, end[opinion.stand]])


def suspicion_words(diagnosis: Diagnosis) -> str:
    """Return what statistics say, in a few words."""
    best = diagnosis.best
    if best is None:
        return "nothing"
    return f"{best.kind.replace('_', ' ')} of {best.service}"


def _wrong_size(claim: Assertion, shown: Finding) -> str:
    if claim.size is None:
        return ""
    before, now = shown.values or (0.0, 0.0)
    if before <= 0 or shown.signal is None:
        return f"{shown.id} gives no size: leave it out"
    right = now / before
    if right / NEAR <= claim.size <= right * NEAR:
        return ""
    return f"{shown.id} shows {_times(right)} times as much as before, not {_times(claim.size)}"


def _times(size: float) -> str:
    return f"{size:.2g}" if abs(size) < 10 else f"{size:,.0f}"


def _words(claim: Assertion, findings: Sequence[Finding]) -> str:
    """Say a claim with the finding's own numbers where it is right, without any where it is not."""
    shown = next((one for one in findings if one.id == claim.evidence), None)
    name = f"{_named(claim.signal)} of {claim.subject}"
    if shown is None or flaw(claim, findings):
        size = f" {_times(claim.size)}-fold" if claim.size is not None else ""
        return f"{name} {MOVED.get(claim.direction, 'is new')}{size} [{claim.evidence}]"
    if shown.signal is None:
        return f"{shown.service} {shown.what} [{shown.id}]"
    if claim.direction is Direction.SAME:
        return f"{name} stayed at {shown.now} [{shown.id}]"
    return f"{name} {MOVED[claim.direction]} from {shown.before} to {shown.now} [{shown.id}]"


def _named(signal: str) -> str:
    return signal_name(Signal(signal)) if signal in set(Signal) else signal


_NEW = {Direction.NEW}
