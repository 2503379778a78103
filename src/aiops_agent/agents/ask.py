"""What does a person want to know? A model answers from facts that it must cite; code checks it.

Without a model the facts that fit the question's words best are quoted, and said to be that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from aiops_agent.agents.asking import Desk, narrowed, several
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.lookup import Lookup
from aiops_agent.agents.material import known, wrapped
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.inquiry import CitedFact, CitedSentence
from aiops_agent.domain.passage import Passage
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.text import safe
from aiops_agent.domain.value import Value
from aiops_agent.ports.model import Tool
from aiops_agent.reasoning.citations import LONGEST, flaw_of

MOST_SENTENCES = 8  # a person reads no more
MOST_LOOKUPS = 8  # that can be cited
MOST_SERVICES = 40  # in a menu: a longer one is no choice any more
LONGEST_SENTENCE = 300  # characters


class SentenceAnswer(Value):
    """One sentence and what shows it."""

    text: str = Field(max_length=LONGEST_SENTENCE, description="one plain sentence")
    cites: tuple[str, ...] = Field(description="ids of the facts that show it")


class QuestionAnswer(Value):
    """The answer, sentence by sentence, and what nothing shows."""

    sentences: tuple[SentenceAnswer, ...] = Field(max_length=MOST_SENTENCES)
    not_known: tuple[str, ...] = Field(default=(), max_length=MOST_SENTENCES)


class CheckedAnswer(Value):
    """An answer after its check, with the facts that there were, looked-up ones among them."""

    sentences: tuple[CitedSentence, ...]
    not_known: tuple[str, ...]
    facts: tuple[CitedFact, ...]


async def ask(
    desk: Desk,
    briefing: Briefing,
    question: str,
    facts: tuple[CitedFact, ...],
    earlier: Sequence[str] = (),
) -> Answer[CheckedAnswer]:
    """Return a model's answer, checked; without one, the reason why."""
    services = await _services(briefing)
    names = (*services, *(str(offer.kind) for offer in briefing.menu))
    book = _Book(names, list(facts))
    # What is asked comes first, so that it is never cut; then what can be cited.
    parts = [
        Passage("the question, by a person", question),
        Passage("earlier questions, answers and corrections", "\n".join(earlier)),
        Passage("facts that can be cited", "\n".join(f"{f.id}  {f.text}" for f in facts)),
        *known(briefing),
    ]
    ids = (*(f.id for f in facts), *(f"T{n}" for n in range(1, MOST_LOOKUPS + 1)))
    sentence = narrowed(SentenceAnswer, cites=several_of(ids))
    given = await desk.ask(
        "ask",
        briefing,
        wrapped(parts),
        QuestionAnswer,
        menus={"sentences": several(sentence, 0, MOST_SENTENCES)},
        tools=[book.noted(tool) for tool in Lookup(briefing, services).tools()],
        check=book.flaws,
    )
    if given.value is None:
        return Answer(missing=given.missing, effort=given.effort)
    answer = CheckedAnswer(
        sentences=book.judged(given.value),
        not_known=tuple(safe(gap, limit=LONGEST) for gap in given.value.not_known),
        facts=tuple(book.facts),
    )
    return Answer(value=answer, effort=given.effort)


def several_of(names: tuple[str, ...]) -> Any:
    """Return the type of a tuple of one to four names of a menu."""
    menu = Literal[names]  # type: ignore[valid-type]  # a type that is made while we run
    return Annotated[tuple[menu, ...], Field(min_length=1, max_length=4)]


@dataclass
class _Book:
    """The facts so far: what a tool tells is one more, under an id of its own.

    `names` are those of services and actions, which a sentence may only take from what it cites.
    """

    names: tuple[str, ...]
    facts: list[CitedFact]
    _looked_up: list[str] = field(default_factory=list)

    def judged(self, answer: QuestionAnswer) -> tuple[CitedSentence, ...]:
        """Return the sentences, each with the reason why it is struck, if it is."""
        here = {fact.id: fact for fact in self.facts}
        made = [CitedSentence(text=safe(one.text), cites=one.cites) for one in answer.sentences]
        wrong = [flaw_of(one, here, self.names) for one in made]
        pairs = zip(made, wrong, strict=True)
        return tuple(one.model_copy(update={"wrong": why}) for one, why in pairs)

    def flaws(self, answer: QuestionAnswer) -> tuple[str, ...]:
        """Return what is wrong with an answer, for the model: it is sent back once."""
        wrong = (one for one in self.judged(answer) if one.wrong)
        return tuple(f"{one.text[:80]!r}: {one.wrong}." for one in wrong)

    def noted(self, tool: Tool) -> Tool:
        """Return the tool with its answers noted as facts."""

        async def read(wanted: Any) -> str:
            text = await tool.read(wanted)
            if len(self._looked_up) >= MOST_LOOKUPS:
                return text
            name = f"T{len(self._looked_up) + 1}"
            self._looked_up.append(name)
            asked = " ".join(map(str, wanted.document().values()))
            about = f"{tool.name} {asked}: {text}"
            self.facts.append(CitedFact(id=name, text=safe(about, limit=LONGEST)))
            return f"{name}  {text}"

        return replace(tool, read=read)


async def _services(briefing: Briefing) -> tuple[ServiceName, ...]:
    """Return the menu of services, in neutral order."""
    diagnosis = briefing.incident.diagnosis
    near = {briefing.incident.service}
    near |= {finding.service for finding in diagnosis.findings} if diagnosis else set()
    try:
        known_ones = (await briefing.environment.topology.graph()).names
    except SourceError:
        known_ones = ()  # what the incident names is enough to ask about
    others = [name for name in sorted(known_ones) if name not in near]
    return tuple(sorted([*sorted(near), *others][:MOST_SERVICES]))
