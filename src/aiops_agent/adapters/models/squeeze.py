"""Old answers of tools made short by code; what was cited stays word for word."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_KINDS = 6  # kinds of lines that are told of one answer; the rest are only counted
QUOTE = 24  # characters: a model that repeats so many of a line has cited it
# F3, INC-0004, finding-12. Each run of letters is begun once: linear.
_MARK = re.compile(r"(?<![A-Za-z_-])[_-]*+([A-Za-z][A-Za-z_-]*+\d[\w-]*+)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_VARYING = re.compile(r"\b[0-9a-f]{8,}\b|\b\w*\d[\w.:-]*")


@dataclass(frozen=True)
class Cited:
    """What a model has referred to: marks such as F3, and its own words."""

    marks: frozenset[str] = frozenset()
    words: str = ""

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Cited":
        """Return what a model's texts refer to."""
        words = _even("\n".join(texts))
        return cls(frozenset(_MARK.findall(words)), words)

    def has(self, line: str) -> bool:
        """Whether a line was referred to, by a mark in it or by its words."""
        if not self.marks.isdisjoint(_MARK.findall(line)):
            return True
        even = _even(line)
        if len(even) < QUOTE:
            return bool(even) and even in self.words
        steps = range(0, len(even) - QUOTE + 1, QUOTE // 2)
        return any(even[at : at + QUOTE] in self.words for at in steps)


@dataclass
class _Kind:
    example: str
    count: int = 0
    numbers: list[float] = field(default_factory=list)


def squeezed(text: str, cited: Cited) -> str:
    """Return a text with its cited lines as they are, and the others by kind and number."""
    kept, kinds = [], dict[str, _Kind]()
    for line in filter(str.strip, text.splitlines()):
        if cited.has(line):
            kept.append(line)
            continue
        kind = kinds.setdefault(_VARYING.sub("#", line)[:80], _Kind(line))
        kind.count += 1
        kind.numbers += [float(n) for n in _NUMBER.findall(line)[-1:]]
    told = [_told(kind) for kind in list(kinds.values())[:MOST_KINDS]]
    if left := sum(kind.count for kind in list(kinds.values())[MOST_KINDS:]):
        told.append(f"({left} more lines of other kinds)")
    short = "\n".join(["(shortened; what you cited is word for word)", *kept, *told])
    return short if len(short) < len(text) else text


def only_cited(text: str, cited: Cited) -> str:
    """Return the cited lines of a text, and that the rest was left out."""
    kept = [line for line in text.splitlines() if line.strip() and cited.has(line)]
    return "\n".join(["(left out; what you cited is word for word)", *kept])


def _told(kind: _Kind) -> str:
    example = kind.example if len(kind.example) <= 120 else kind.example[:119] + "…"
    if kind.count == 1:
        return example
    numbers = kind.numbers
    span = f", numbers {min(numbers):g} to {max(numbers):g}" if numbers else ""
    return f"({kind.count} lines like: {example}{span})"


def _even(text: str) -> str:
    return " ".join(text.split())
