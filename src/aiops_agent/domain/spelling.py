"""Which known names look like the one that was given?"""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return at most three known names that look like `name`, the likest first."""
    folded = {candidate.casefold(): candidate for candidate in known}
    matches = get_close_matches(name.casefold()[:200], list(folded), n=3, cutoff=0.6)
    return tuple(folded[match] for match in matches)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean A or B?" with the nearest names, or "" when none is near."""
    found = nearest(name, known)
    return f" Did you mean {' or '.join(found)}?" if found else ""
