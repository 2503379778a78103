"""Limits that a sentence sets on the numbers of a plan: "at most 6 replicas"."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt

_COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
            "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
            "eighteen", "nineteen", "twenty")  # fmt: skip
_VALUES = {word: value for value, word in enumerate(_COUNTED, 1)}
_NUMBER = rf"(\d{{1,9}}|{'|'.join(_COUNTED)})\b(?![.:,]\d)"
# A plan breaks "never more than N" with more than N; the word before decides which side is broken.
_SIDES = (
    (r"at least|a minimum of|minimum is|not (?:less|fewer) than|no (?:less|fewer) than", lt),
    (r"(?:fewer|less|lower|smaller)(?: [a-z]+)? than|below|under(?:neath)?|beneath", lt),
    (r"at most|a maximum of|maximum is|up to|limited to|limit is|capped at|cap of|ceiling of", gt),
    (r"(?:more|greater|higher|larger)(?: [a-z]+)? than|above|over|beyond|exceed(?:s|ed|ing)?", gt),
)
_AFTER = ((r"or more|and more|and above|or above|upwards?", ge),
          (r"or fewer|or less|and below|or below", le))  # fmt: skip
_IS = ((r"(?:is|are) (?:the|our|a) (?:\w+ )?(?:ceiling|maximum|limit|most|cap|top)", gt),
       (r"(?:is|are) (?:the|our|a) (?:\w+ )?(?:floor|minimum|least|bottom)", lt))  # fmt: skip
_PATTERNS = tuple(
    (re.compile(written, re.IGNORECASE), side)
    for written, side in (
        *((rf"\b(?:{words})\s+(?:the )?{_NUMBER}", side) for words, side in _SIDES),
        *((rf"\b{_NUMBER}(?:\s+\w+)?\s+(?:{words})\b", side) for words, side in (*_AFTER, *_IS)),
    )
)
_OF_NO_SETTING = re.compile(
    r"(?:minute|hour|day|week|month|second|people|person|owner|engineer|approv|time|attempt|team)"
)
_OF_REPLICAS = ("replica", "instance", "pod", "copy", "copies", "container")
_COUNTABLE = "replicas"


@dataclass(frozen=True)
class Limit:
    """A number with the side on which a plan breaks it; `unit` is the word behind it."""

    words: str
    number: int
    side: str
    unit: str = ""

    @property
    def sets(self) -> bool:
        """Whether it limits what a plan may set: not people or minutes."""
        return not _OF_NO_SETTING.match(self.unit)

    def broken(self, wished: int) -> bool:
        """Whether a wished number is on the wrong side."""
        sides = {"lt": lt, "gt": gt, "le": le, "ge": ge}
        return bool(sides[self.side](wished, self.number))


def limits(text: str, wished: Mapping[str, str | int]) -> tuple[Limit, ...]:
    """Return the limits of a text on what a plan wishes, by the names it wishes it under.

    With no wishes at all: every limit of the text.
    """
    if wished and not any(topic in text.lower() for topic in _topics(wished)):
        return ()
    return tuple(
        _limit(place, side.__name__)
        for pattern, side in _PATTERNS
        for place in pattern.finditer(text)
    )


def _limit(place: re.Match[str], side: str) -> Limit:
    said = place.group(1).lower()
    behind = re.match(r"\s+([a-z]+)", place.string[place.end(1) :], re.IGNORECASE)
    unit = behind.group(1).lower() if behind else ""
    number = _VALUES[said] if said in _VALUES else int(said)
    return Limit(place.group().lower(), number, side, unit)


def _topics(wished: Mapping[str, str | int]) -> set[str]:
    """Return words that say that a number is one of these: replicas, or the setting's name."""
    found = set()
    for name, value in wished.items():
        if name == _COUNTABLE:
            found |= set(_OF_REPLICAS)
        elif name == "name":
            found |= {word for word in re.split(r"[_\W]+", str(value).lower()) if len(word) > 2}
    return found
