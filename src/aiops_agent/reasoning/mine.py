"""Log lines as templates: which kinds of line are new, or far more frequent, since it began?"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from aiops_agent.domain.telemetry import LogLine
from aiops_agent.domain.text import safe
from aiops_agent.reasoning.gather import Scene

MASKS = (
    (re.compile(r"""(["'])(?:(?!\1).){0,200}\1"""), "<text>"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4,}){0,4}\b"), "<id>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<id>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "<n>"),
)
# Characters of a line: masks are regular expressions over foreign text, and must stay cheap.
LONGEST = 300
FEWEST = 3  # lines of a kind that make a finding
MORE_FREQUENT = 4.0  # times as often as before; less is a busy hour

# What such software usually writes when it suffers from something. Hints, never proof: whoever
# can write a log line can write these words too.
POOL = re.compile(r"(?i)\bpool\b|waiting for a (?:free )?connection|too many connections")
SLOW_QUERY = re.compile(r"(?i)slow (?:query|statement)|(?:query|statement) took")
MEMORY = re.compile(r"(?i)\bgc\b|garbage|out of memory|\boom|heap")
OVERLOAD = re.compile(r"(?i)queue (?:is )?full|overload|no worker|too busy|backlog|rejected")
UPSTREAM = re.compile(r"(?i)upstream|answered 5\d\d|timed? ?out|unavailable|refused|no answer")

BLAMES = re.compile(r"(?i)\bupstream\b|\bcalls? to \S+|answered 5\d\d")


@dataclass(frozen=True)
class Novelty:
    """A kind of log line that is new or far more frequent. Rates are lines per minute."""

    service: str
    template: str
    example: str  # made harmless
    before: float
    now: float
    count: int

    def hints(self, words: re.Pattern[str]) -> bool:
        """Whether the line speaks of it."""
        return words.search(self.example) is not None


def template(text: str) -> str:
    """Return the line with everything variable masked."""
    short = text[:LONGEST]
    for pattern, mask in MASKS:
        short = pattern.sub(mask, short)
    return short


def novelties(scene: Scene) -> tuple[Novelty, ...]:
    """Return new or much more frequent kinds of line, the most striking first."""
    before, minutes_before = _count(scene.logs_before), _minutes(scene.logs_before)
    after, minutes_after = _count(scene.logs_after), _minutes(scene.logs_after)
    first: dict[tuple[str, str], str] = {}
    for line in scene.logs_after:
        first.setdefault((line.service, template(line.text)), line.text)
    found = []
    for key, count in after.items():
        was, rate = before[key] / minutes_before, count / minutes_after
        if count >= FEWEST and rate >= MORE_FREQUENT * was:
            example = safe(first[key], limit=120)
            found.append(Novelty(key[0], key[1], example, was, rate, count))
    return tuple(sorted(found, key=lambda one: (-one.now, one.service, one.template)))


def _count(lines: Iterable[LogLine]) -> Counter[tuple[str, str]]:
    return Counter((line.service, template(line.text)) for line in lines)


def _minutes(lines: tuple[LogLine, ...]) -> float:
    if not lines:
        return 1.0
    return max((lines[-1].at - lines[0].at).total_seconds() / 60.0, 1.0)
