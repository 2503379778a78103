"""A person's question about an incident, and an answer whose every sentence cites what is known."""

from enum import StrEnum

from pydantic import Field

from aiops_agent.domain.answer import Effort
from aiops_agent.domain.value import Value

LONGEST_QUESTION = 1000  # characters


class Motion(StrEnum):
    """How what a fact tells of has moved."""

    UP = "up"
    DOWN = "down"


class CitedFact(Value):
    """Something that is recorded of an incident and can be cited: untrusted text with an id.

    Findings are E1, E2 and so on (of an earlier attempt E1/1), events #12, and what was looked up
    for the answer T1.
    """

    id: str
    text: str
    motion: Motion | None = None


class CitedSentence(Value):
    """One sentence of an answer with the facts that it cites; `wrong` says why it was struck."""

    text: str
    cites: tuple[str, ...]
    wrong: str = ""


class Inquiry(Value):
    """A question with its answer. `recorded` says that no model answered: facts are quoted.

    `missing` is why not, `story` the newest event that the answer knew, `facts` what it cites.
    """

    number: int
    question: str = Field(min_length=1, max_length=LONGEST_QUESTION)
    by: str
    sentences: tuple[CitedSentence, ...] = ()
    not_known: tuple[str, ...] = ()
    facts: tuple[CitedFact, ...] = ()
    recorded: bool = False
    missing: str = ""
    story: int = 0
    corrections: tuple[str, ...] = ()  # what people said later is wrong with it
    effort: Effort

    @property
    def supported(self) -> tuple[CitedSentence, ...]:
        """The sentences that the facts which they cite support."""
        return tuple(one for one in self.sentences if not one.wrong)

    @property
    def struck(self) -> tuple[CitedSentence, ...]:
        """The sentences that they do not."""
        return tuple(one for one in self.sentences if one.wrong)
