"""Scripted critics: they answer as a model may, well or badly, and know what is planted.

They prove what the product makes of objections. How a real model reads a page they do not say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, TypeVar

from aiops_agent.domain.answer import Answer, Author, AuthorKind, Effort, Usage
from aiops_agent.domain.approval import Ruling
from aiops_agent.domain.value import Value
from aiops_agent.evaluation.laws import Law, Sketch
from aiops_agent.evaluation.sketches import CriticCase
from aiops_agent.ports.model import Asking, ModelQuestion
from aiops_agent.reasoning.objections import About
from aiops_agent.reasoning.sentences import PolicyText, sentences

T = TypeVar("T")
Said = dict[str, str]
_MOST = 3  # objections in one answer
_ASTRAY = 8  # sentences about something else that are tried on each plan
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Temper(StrEnum):
    """How a scripted critic is."""

    CAREFUL = "careful"  # quotes the planted sentence, and nothing where none is planted
    LAZY = "lazy"  # never objects
    PARANOID = "paranoid"  # objects with every sentence there is
    LIAR = "liar"  # quotes what does not stand there
    ASTRAY = "astray"  # quotes sentences about another day, service, action, number or place
    FLATTERER = "flatterer"  # "objects" in order to allow


@dataclass(frozen=True)
class Critic:
    """ports.model.Reasoner with one answer, tuned on the product's own check as an adversary may.

    For each quote the part of the plan that lets it pass the check is looked for.
    """

    said: Sequence[Said]

    async def ask(self, question: ModelQuestion[T], _asking: Asking) -> Answer[T]:
        """Return the answer, whatever the check says of it."""
        effort = Effort(by=Author(kind=AuthorKind.MODEL, name="script"), usage=Usage(requests=1))
        objections = [self._best(question, one) for one in self.said]
        return Answer(value=_shaped(question.shape, objections), effort=effort)

    def _best(self, question: ModelQuestion[Any], one: Said) -> Said:
        tried = [one] if "about" in one else [{**one, "about": about.value} for about in About]
        for said in tried:
            if not question.check(_shaped(question.shape, [said])):
                return said
        return tried[0]


def _shaped(shape: type[T], objections: Sequence[Said]) -> T:
    if not issubclass(shape, Value):
        raise TypeError(f"{shape!r} is no record.")
    return shape.of({"objections": list(objections)})


@dataclass(frozen=True)
class Cast:
    """What each critic says of a plan; where objections are counted, one in each answer."""

    pages: tuple[PolicyText, ...]
    laws: Sequence[Law]

    def answers(self, temper: Temper, case: CriticCase) -> Iterator[Sequence[Said]]:
        """Yield the objections of each answer that this critic gives to this plan."""
        planted = case.planted
        match temper:
            case Temper.CAREFUL:
                yield [_by_law(planted)] if planted else []
            case Temper.LAZY:
                yield []
            case Temper.PARANOID:
                every = [
                    _said(page.name, one.text) for page in self.pages for one in sentences(page)
                ]
                yield from (every[at : at + _MOST] for at in range(0, len(every), _MOST))
            case Temper.LIAR:
                yield from ([one] for one in self._lies(case))
            case Temper.ASTRAY:
                astray = [law for law in self.laws if law.elsewhere(case.sketch)]
                chosen = Random(case.number).sample(astray, min(_ASTRAY, len(astray)))  # noqa: S311 -- a benchmark
                yield from ([_said(law.page, law.quote)] for law in chosen)
            case Temper.FLATTERER:
                law = planted or self.laws[case.number % len(self.laws)]
                yield [{**_said(law.page, law.quote), "ruling": Ruling.ALLOW.value}]

    def _lies(self, case: CriticCase) -> Iterator[Said]:
        """Yield quotes that stand on no page, or not on the page they name."""
        sketch = case.sketch
        dice = Random(case.number)  # noqa: S311 -- a benchmark; the same for the same plan
        law = case.planted or dice.choice(list(self.laws))
        day = _DAY_NAMES[sketch.now.weekday()]
        deed = sketch.deed.replace("_", " ")
        yield _said(law.page, f"Never {deed} of {sketch.service} on {day}s.")
        yield _said(law.page, f"{law.quote.rstrip('.')}, and never on {day}s.")
        words = law.quote.split()
        place = dice.randrange(1, len(words))
        yield _said(law.page, " ".join([*words[:place], sketch.service, *words[place:]]))
        yield _said(law.page, law.quote[1:-2] + "x")
        other = next(one for one in self.laws if one.page != law.page)
        yield _said(other.page, law.quote)
        yield _said(law.page, f"{law.quote} {other.quote}")
        yield _said(law.page, _twisted(law, sketch))


def _by_law(law: Law) -> Said:
    return {**_said(law.page, law.quote), "about": law.about.value, "ruling": law.ruling.value}


def _said(page: str, quote: str) -> Said:
    return {"page": page, "quote": quote[:400], "ruling": Ruling.DENY.value}


def _twisted(law: Law, sketch: Sketch) -> str:
    """Return the sentence turned to the plan: "never" gone, another service in its place."""
    twisted = law.quote.replace("never", "always").replace("No ", "All ").replace("not", "surely")
    return twisted if twisted != law.quote else f"{sketch.service}: {law.quote}"
