"""Which words of a sentence speak of an action, by the name and the noun of its offer."""

import re
from collections.abc import Iterator
from functools import cache

from aiops_agent.domain.remediation import Offer

# Words of an action's name that say nothing of what it does.
_STOP = frozenset(
    {"service", "release", "pod", "pods", "ill", "a", "an", "the", "of", "set", "changing"}
)
_PARTICLE = re.compile(r"^([a-z]{3,}?)(back|down|out|off|over)$")
_ENDING = r"(?:e?s|ed?|ings?|uration\w*|ur(?:e[sd]?|ing))?"  # a settlement is no setting
_DOUBLED = "bdgmnprt"  # "stop", "stopped"
# Other words for the same deed. They serve an objection only; that a sentence is about something
# else is never concluded from them.
_ALSO = {
    "restart": ("reboot", "bounce", "recycl", "cycled"),
    "rollback": ("revert", "previous release", "earlier release", "older release"),
    "scal": ("replica", "resiz", "instances"),
    "config": ("pool", "parameter", "configur"),
}


def speaks_of(offer: Offer, said: str, *, loosely: bool) -> Iterator[tuple[int, int]]:
    """Yield where a sentence speaks of an action; `loosely`: other words for it count too."""
    for place in _pattern(str(offer.kind), offer.noun, loosely).finditer(said):
        yield place.span()


@cache
def _pattern(kind: str, noun: str, loosely: bool) -> re.Pattern[str]:
    words = set(re.findall(r"[a-z]+", f"{kind.replace('_', ' ')} {noun}".lower())) - _STOP
    stems = sorted({_stem(word) for word in words})
    forms = [rf"(?:{form}){_ENDING}\b" for stem in stems for form in _forms(stem)]
    if loosely:
        forms += [rf"{also}\w*" for stem in stems for also in _ALSO.get(stem, ())]
    return re.compile(rf"\b(?:{'|'.join(forms) or '(?!)'})", re.IGNORECASE)


def _forms(stem: str) -> Iterator[str]:
    """Yield patterns for the beginnings of a word: "rolled back" and "re-starts" are forms too."""
    yield re.escape(stem)
    if stem.startswith("re"):
        yield rf"re-{re.escape(stem[2:])}"
    if parts := _PARTICLE.match(stem):
        verb, particle = parts.groups()
        yield rf"{verb}[{_DOUBLED}]?(?:s|ed|ing)?(?:[ -]|(?: [\w-]+){{1,3}} ){particle}"


def _stem(word: str) -> str:
    short = word.removesuffix("ing").removesuffix("e")
    return short if len(short) > 3 else word
