"""Does an objection hold? What a critic quotes must stand in the page, and speak of the plan."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from aiops_agent.domain.approval import STRICTNESS, Opinion, Ruling
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.remediation import Action, Offer
from aiops_agent.domain.telemetry import ServiceKind, ServiceName
from aiops_agent.domain.value import Value
from aiops_agent.reasoning.limits import Limit, limits
from aiops_agent.reasoning.mentions import Bearing, Mention, found, permits, unconditional
from aiops_agent.reasoning.occasions import dates, days, hours
from aiops_agent.reasoning.sentences import PolicyText, Sentence, standing
from aiops_agent.reasoning.verbs import speaks_of

FEWEST_WORDS = 3  # of a quote; fewer stand on any page
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_NUMBER = re.compile(r"\b\d+(?:[.,]\d+)?\b")
_MODE = re.compile(rf"\bmode ({'|'.join(Mode)})\b|\b({'|'.join(Mode)}) mode\b")
_TIERS = (ServiceKind.DATABASE, ServiceKind.CACHE, ServiceKind.QUEUE)  # words that mean no other
_PLACES = (
    ("production", "prod", "live"),
    ("staging", "stage", "preproduction"),
    ("testing", "test"),
    ("development", "dev"),
    ("sandbox", "playground"),
    ("demo",),
)


class About(StrEnum):
    """What of a plan an objection is about."""

    ACTION = "action"
    TARGET = "target"
    DAY = "day"
    HOUR = "hour"
    DATE = "date"
    NUMBER = "number"
    PLACE = "place"  # the environment, or the mode that it is in


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
    """What a plan is about: what it does to whom, when and where, and who else there is."""

    actions: tuple[Action, ...]
    now: datetime
    menu: tuple[Offer, ...] = ()
    services: frozenset[ServiceName] = field(default_factory=frozenset)
    tiers: Mapping[ServiceName, ServiceKind] = field(default_factory=dict)
    environment: EnvironmentRef | None = None
    mode: Mode | None = None

    def read(self, sentence: Sentence) -> dict[About, Bearing]:
        """Return what a sentence says of each part of the plan; its heading where it is silent."""
        said, above = sentence.whole, sentence.heading
        whom, deeds = self._subject(said)
        return {
            About.ACTION: found(said, deeds),
            About.TARGET: found(said, whom or self._whom(above)),
            About.DAY: found(said, days(said, self.now) or days(above, self.now)),
            About.HOUR: found(said, hours(said, self.now)),
            About.DATE: found(said, dates(said, self.now) or dates(above, self.now)),
            About.NUMBER: self._number(said, deed=found(said, deeds).named),
            About.PLACE: self._place(said, above),
        }

    def instead(self, part: About) -> str:
        """Return what is the case, where a sentence means another day, hour or date."""
        forms = {About.DAY: "%A", About.HOUR: "%H:%M UTC", About.DATE: "%-d %B %Y"}
        said = self.now.strftime(forms[part]) if part in forms else ""
        return f", and it is {said.lower() if part is About.DAY else said}" if said else ""

    def _subject(self, said: str) -> tuple[list[Mention], list[Mention]]:
        """Return who and which actions a sentence is about: conditions count if nothing else does.

        "While the store is down, no cache is restarted" is about caches.
        """
        main = unconditional(said)
        whom, deeds = self._whom(main), self._deeds(main)
        return (whom, deeds) if whom or deeds else (self._whom(said), self._deeds(said))

    def _whom(self, said: str) -> list[Mention]:
        targets = {action.target.service for action in self.actions}
        known = {str(name).lower(): name in targets for name in self.services | targets}
        tiers = {self.tiers.get(name) for name in targets}
        # Where the tier of a target is not known, no sentence about a tier is about another.
        for tier in _TIERS if None not in tiers else ():
            known |= {tier.value: tier in tiers, f"{tier.value}s": tier in tiers}
        return [
            Mention(*place.span(), place.group().lower(), known[place.group().lower()])
            for place in _WORD.finditer(said)
            if place.group().lower() in known
        ]

    def _deeds(self, said: str) -> list[Mention]:
        kinds = {action.kind for action in self.actions}
        return [
            Mention(*place, str(offer.kind), offer.kind in kinds)
            for offer in self.menu
            for place in speaks_of(offer, said, loosely=offer.kind in kinds)
        ]

    def _number(self, said: str, *, deed: bool) -> Bearing:
        """Return what a sentence says of the plan's numbers; `deed`: it names the plan's action."""
        wished = {k: v for action in self.actions for k, v in action.wished.items()}
        numbers = [int(v) for v in wished.values() if str(v).isdecimal()]
        given = limits(said, wished) if numbers else ()
        if not given and not deed:
            strange = [one for one in limits(unconditional(said), {}) if one.sets]
            if strange:
                return Bearing(other=f"it limits what this plan does not set: {_words(strange)}")
        if not numbers:
            return Bearing()
        if any(limit.broken(number) for limit in given for number in numbers):
            return Bearing(named=True)
        if given:
            return Bearing(other=f"it allows {_words(given)}, and that is kept")
        return Bearing(named=bool(_NUMBER.search(said)))

    def _place(self, said: str, above: str) -> Bearing:
        mode = found(said, self._modes(said))
        if mode.other or self.environment is None:
            return mode
        here = set(_WORD.findall(self.environment.name.lower().replace("-", " ").replace("_", " ")))
        known = next((names for names in _PLACES if here & set(names)), None)
        if known is None:
            return mode
        places = found(said, _places(said, known) or _places(above, known))
        return places if places.other or places.named else mode

    def _modes(self, said: str) -> list[Mention]:
        if self.mode is None:
            return []
        return [
            Mention(*place.span(), place.group().lower(), self.mode.value in place.groups())
            for place in _MODE.finditer(said.lower())
        ]


def _places(said: str, known: tuple[str, ...]) -> list[Mention]:
    words = {word: names == known for names in _PLACES for word in names}
    return [
        Mention(*place.span(), place.group().lower(), words[place.group().lower()])
        for place in re.finditer(r"\b[A-Za-z]+\b", said)
        if place.group().lower() in words
    ]


def _words(given: Iterable[Limit]) -> str:
    return ", ".join(limit.words for limit in given)


def unfounded(objection: Objection, pages: Iterable[PolicyText], scope: Scope) -> str:
    """Return why an objection does not hold, or ""."""
    return _held(objection, pages, scope)[1]


def _held(
    objection: Objection, pages: Iterable[PolicyText], scope: Scope
) -> tuple[Sentence | None, str]:
    """Return the sentence that an objection rests on, and why it does not hold, or ""."""
    page = next((one for one in pages if one.name == objection.page), None)
    if page is None:
        return None, f"there is no page {objection.page}"
    if len(_WORD.findall(objection.quote)) < FEWEST_WORDS:
        return None, "the quote is too short to say anything"
    places = standing(objection.quote, page)
    if not places:
        return None, f"the quote does not stand in {page.name}"
    why = ""
    for place in places:
        if not (flaw := _flaw(objection, place, scope)):
            return place, ""
        why = why or flaw
    return places[0], why


def _flaw(objection: Objection, sentence: Sentence, scope: Scope) -> str:
    read = scope.read(sentence)
    for part, one in read.items():
        if one.other:
            return f"{one.other}{scope.instead(part)}"
    broken = read[About.NUMBER].named and limits(sentence.whole, {})
    if permits(sentence.whole) and not broken:
        return "it allows something and forbids nothing"
    if not read[objection.about].named:
        return f"the quote does not name the {objection.about} of this plan"
    return ""


def ruled(objection: Objection, sentence: Sentence, scope: Scope) -> Ruling:
    """Return the ruling that a founded objection may have: it forbids only what it names."""
    read = scope.read(sentence)
    named = read[About.ACTION].named or read[About.TARGET].named
    return Ruling.DENY if objection.ruling is Ruling.DENY and named else Ruling.ASK


def judged(
    objections: Iterable[Objection], pages: tuple[PolicyText, ...], scope: Scope, by: str
) -> Opinion | None:
    """Return the strictest founded objection with all their reasons; what was dropped is said.

    The page's own sentence is shown, not the words of the critic. None when nothing was said at
    all. It never makes a verdict milder.
    """
    kept: list[tuple[Ruling, str]] = []
    dropped: list[str] = []
    for one in dict.fromkeys(objections):
        sentence, _ = _held(one, pages, scope)
        if why := unfounded(one, pages, scope):
            dropped.append(f"an objection of {by} was dropped: {why}")
            continue
        # Whoever replaces the check (a test) may let a quote through that stands nowhere.
        stands = sentence or Sentence(" ".join(one.quote.split()))
        read = scope.read(stands)
        names = ", ".join(sorted(part for part in About if read[part].named))
        kept.append((ruled(one, stands, scope), f'{one.page}: "{stands.whole}" (names {names})'))
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
