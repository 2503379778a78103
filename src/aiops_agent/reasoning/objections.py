"""Does an objection hold? What a critic quotes must stand in the page, and speak of the plan."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from aiops_agent.domain.approval import STRICTNESS, Opinion, Ruling
from aiops_agent.domain.policy import Weekday
from aiops_agent.domain.remediation import Action, Offer
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.value import Value

FEWEST_WORDS = 3  # of a quote; fewer stand on any page
_WORD = re.compile(r"[A-Za-z0-9_-]+")
# Words of an action's name that say nothing of what it does.
_STOP = frozenset({"service", "release", "pods", "a", "an", "the", "of", "set", "changing"})
_NUMBER = re.compile(r"\b\d+(?:[.,]\d+)?\b")


class About(StrEnum):
    """What of a plan an objection is about."""

    ACTION = "action"
    TARGET = "target"
    DAY = "day"
    NUMBER = "number"


class PolicyText(Value):
    """A page of policy that people wrote; `name` is its file's."""

    name: str
    text: str


class Objection(Value):
    """What a model holds against a plan: a sentence of a page of policy, word for word."""

    page: str = Field(description="the page that the sentence stands on")
    quote: str = Field(max_length=400, description="one sentence of it, word for word")
    about: About = Field(description="what of the plan the sentence names")
    ruling: Ruling = Field(
        description="deny what the sentence forbids, ask where it wants a person"
    )


@dataclass(frozen=True)
class Scope:
    """What a plan is about: what it does to whom, when, and who else there is."""

    actions: tuple[Action, ...]
    now: datetime
    menu: tuple[Offer, ...] = ()
    services: frozenset[ServiceName] = field(default_factory=frozenset)

    @property
    def day(self) -> Weekday:
        """The day of the week, in UTC."""
        return tuple(Weekday)[self.now.weekday()]

    def names(self, quote: str) -> frozenset[About]:
        """Return what of the plan a sentence names."""
        said = _words(quote)
        found = set()
        if any(self._named(action.kind, quote) for action in self.actions):
            found.add(About.ACTION)
        if any(action.target.name.lower() in said for action in self.actions):
            found.add(About.TARGET)
        if self.day in _days(said):
            found.add(About.DAY)
        wished = [v for action in self.actions for v in action.wished.values()]
        if _NUMBER.search(quote) and any(isinstance(value, int) for value in wished):
            found.add(About.NUMBER)
        return frozenset(found)

    def elsewhere(self, quote: str) -> str:
        """Return what the sentence is about instead, when that is not this plan; or ""."""
        said = _words(quote)
        days = _days(said)
        if days and self.day not in days:
            return f"it speaks of {' and '.join(sorted(days))}, and it is {self.day}"
        targets = {action.target.name for action in self.actions}
        others = sorted(one for one in self.services if one.lower() in said)
        if others and not targets & set(others):
            return f"it speaks of {', '.join(others)}"
        kinds = {action.kind for action in self.actions}
        named = {offer.kind for offer in self.menu if self._named(offer.kind, quote)}
        if named and not named & kinds:
            return f"it speaks of {', '.join(sorted(named))}"
        return ""

    def _named(self, kind: str, quote: str) -> bool:
        noun = next((offer.noun for offer in self.menu if offer.kind == kind), "")
        stems = {_stem(word) for word in _words(f"{kind.replace('_', ' ')} {noun}") - _STOP}
        joined = "".join(_WORD.findall(quote.lower().replace("-", "")))
        return any(word.startswith(stem) for word in _words(quote) for stem in stems) or any(
            len(stem) > 6 and stem in joined
            for stem in stems  # "roll back"
        )


def unfounded(objection: Objection, pages: Iterable[PolicyText], scope: Scope) -> str:
    """Return why an objection does not hold, or ""."""
    page = next((one for one in pages if one.name == objection.page), None)
    if page is None:
        return f"there is no page {objection.page}"
    if len(_WORD.findall(objection.quote)) < FEWEST_WORDS:
        return "the quote is too short to say anything"
    if _flat(objection.quote) not in _flat(page.text):
        return f"the quote does not stand in {page.name}"
    if other := scope.elsewhere(objection.quote):
        return other
    if objection.about not in scope.names(objection.quote):
        return f"the quote does not name the {objection.about} of this plan"
    return ""


def ruled(objection: Objection, scope: Scope) -> Ruling:
    """Return the ruling that a founded objection may have: it forbids only what it names."""
    named = scope.names(objection.quote) & {About.ACTION, About.TARGET}
    if objection.ruling is Ruling.DENY and named:
        return Ruling.DENY
    return Ruling.ASK


def judged(
    objections: Iterable[Objection], pages: tuple[PolicyText, ...], scope: Scope, by: str
) -> Opinion | None:
    """Return the strictest founded objection with all their reasons; what was dropped is said.

    None when nothing was said at all. It never makes a verdict milder.
    """
    kept: list[tuple[Ruling, str]] = []
    dropped: list[str] = []
    for one in dict.fromkeys(objections):
        if why := unfounded(one, pages, scope):
            dropped.append(f"an objection of {by} was dropped: {why}")
        else:
            names = ", ".join(sorted(scope.names(one.quote)))
            kept.append((ruled(one, scope), f'{one.page}: "{_flat(one.quote)}" (names {names})'))
    if not kept:
        return Opinion(rule="critic", ruling=Ruling.ALLOW, reason="", said=tuple(dropped))
    ruling = max((ruling for ruling, _ in kept), key=lambda one: STRICTNESS[one])
    reason = f"{by} objects: {'; '.join(words for _, words in kept)}"
    return Opinion(rule="critic", ruling=ruling, reason=reason, said=tuple(dropped))


def stricter(first: Opinion | None, second: Opinion | None) -> Opinion | None:
    """Return one opinion from two: the stricter ruling, both reasons, all that was said."""
    given = [one for one in (first, second) if one is not None]
    if not given:
        return None
    strictest = max(given, key=lambda one: STRICTNESS[one.ruling])
    reasons = [one.reason for one in given if one.reason]
    said = tuple(words for one in given for words in one.said)
    return strictest.model_copy(update={"reason": "; ".join(reasons), "said": said})


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))


def _days(said: frozenset[str]) -> set[Weekday]:
    return {day for day in Weekday if day.value in said or f"{day.value}s" in said}


def _stem(word: str) -> str:
    short = word.removesuffix("ing").removesuffix("e")
    return short if len(short) > 3 else word


def _flat(text: str) -> str:
    return " ".join(text.split())
