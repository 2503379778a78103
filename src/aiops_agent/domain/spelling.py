"""Which known names look like the one that was given?"""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

_NEAR = 0.15  # names this much less alike than the likest are not meant


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return at most three known names that look like `name`, the likest first."""
    folded = {candidate.casefold(): candidate for candidate in known}
    given = name.casefold()[:200]
    matches = get_close_matches(given, list(folded), n=3, cutoff=0.6)
    alike = [SequenceMatcher(None, given, match).ratio() for match in matches]
    pairs = zip(matches, alike, strict=True)
    return tuple(folded[match] for match, ratio in pairs if ratio >= alike[0] - _NEAR)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean A or B?" with the nearest names, or "" when none is near."""
    found = nearest(name, known)
    return f" Did you mean {' or '.join(found)}?" if found else ""
