"""Does what a sentence cites support it? Code looks at ids, numbers, names, actions and direction.

It cannot look at the argument: a sentence that passes is one whose parts stand in what it cites.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from aiops_agent.domain.diagnosis import Finding
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.inquiry import CitedFact, CitedSentence, Motion
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.text import safe

MOST_EVENTS = 60  # the newest: more is no overview
MOST_FINDINGS = 40  # what changed comes first
LONGEST = 300  # characters of a fact
_ASIDE = (
    EventType.QUESTION_ASKED,
    EventType.QUESTION_ANSWERED,
    EventType.ANSWER_CORRECTED,
    EventType.HANDS_CHANGED,
    EventType.PEOPLE_TOLD,
    EventType.UNREADABLE,
)
_NUMBER = re.compile(
    r"(?<![\w.#/])\d+(?:[.,:]\d+)*(?![\w#])|(?<![\w.#/])\d+(?:\.\d+)?(?=[a-z%]+\b)"
)
_WORD = re.compile(r"[a-z][a-z0-9_-]{2,}")
_UP = {"rose", "risen", "rises", "increased", "increase", "grew", "grown", "higher", "climbed"}
_DOWN = {"fell", "fallen", "falls", "decreased", "decrease", "shrank", "lower", "dropped"}
# Words that say nothing about what a sentence is about.
_EMPTY_WORDS = """
the and was were are for that this with from not but has had have its into than then them they when
what why how who which did does been being because after before since while there their you your our
out all any can could would should may might will about also only more less most very one two
incident service
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())


def facts_of(incident: Incident, events: Sequence[Event]) -> tuple[CitedFact, ...]:
    """Return what can be cited: the findings, of the newest attempt first, and the story."""
    facts = []
    attempts = [one for one in reversed(incident.attempts) if one.diagnosis]
    for place, attempt in enumerate(attempts):
        found = attempt.diagnosis.findings if attempt.diagnosis else ()
        for one in sorted(found, key=lambda finding: not finding.changed):
            name = one.id if place == 0 else f"{one.id}/{attempt.number}"
            text = f"{one.service} {one.what}: {one.before} → {one.now}"
            text += "" if one.changed else " (unchanged)"
            facts.append(CitedFact(id=name, text=safe(text, limit=LONGEST), motion=_motion(one)))
    told = [event for event in events if event.type not in _ASIDE][-MOST_EVENTS:]
    return (
        *facts[:MOST_FINDINGS],
        *(
            CitedFact(
                id=f"#{event.id}",
                text=safe(f"{event.at:%H:%M:%S} {event.phase}: {event.message}", limit=LONGEST),
            )
            for event in told
        ),
    )


def newest(events: Sequence[Event]) -> int:
    """Return the id of the newest event of the story itself; 0 when there is none."""
    return max((event.id for event in events if event.type not in _ASIDE), default=0)


def flaw_of(sentence: CitedSentence, facts: Mapping[str, CitedFact], names: Collection[str]) -> str:
    """Return why what a sentence cites does not support it, "" when it does.

    `names` are those of services and actions: one that is named must stand in a cited fact.
    """
    if not sentence.cites:
        return "it cites nothing"
    if lost := [cite for cite in sentence.cites if cite not in facts]:
        return f"there is no {lost[0]}"
    cited = [facts[cite] for cite in sentence.cites]
    said, shown = sentence.text.lower(), " ".join(fact.text.lower() for fact in cited)
    if missing := [number for number in _numbers(said) if number not in _numbers(shown)]:
        return f"{missing[0]} stands in nothing that it cites"
    if absent := [name for name in names if _holds(said, name) and not _holds(shown, name)]:
        return f"{absent[0]} stands in nothing that it cites"
    words = _words(said)
    if not words & _words(shown):
        return "what it cites is about something else"
    moved = {fact.motion for fact in cited}
    if words & _UP and not words & _DOWN and moved == {Motion.DOWN}:
        return "what it cites fell"
    if words & _DOWN and not words & _UP and moved == {Motion.UP}:
        return "what it cites rose"
    return ""


def best(question: str, facts: Sequence[CitedFact], most: int) -> tuple[CitedFact, ...]:
    """Return the facts that share the rarest words with a question, the best first."""
    asked = _words(question.lower())
    bags = [_words(fact.text.lower()) for fact in facts]
    often = Counter(word for bag in bags for word in bag)

    def weight(place: int) -> float:
        return sum(1 / often[word] for word in asked & bags[place])

    ranked = sorted(range(len(facts)), key=lambda place: (-weight(place), place))
    return tuple(facts[place] for place in ranked[:most] if weight(place) > 0)


def _motion(finding: Finding) -> Motion | None:
    if finding.values is None or not finding.changed:
        return None
    before, now = finding.values
    return Motion.UP if now > before else Motion.DOWN if now < before else None


def _numbers(text: str) -> set[str]:
    return {number.replace(",", "").rstrip(".") for number in _NUMBER.findall(text)}


def _words(text: str) -> set[str]:
    found = (word.strip("-_") for word in _WORD.findall(text))
    return {word for word in found if word not in _EMPTY}


def _holds(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", text) is not None
