"""An agent's answer, or why there is none, with who gave it and what it cost."""

from enum import StrEnum
from typing import Generic, TypeVar

from aiops_agent.domain.value import Value

T = TypeVar("T")
ALONE = "statistics go on alone"


class AuthorKind(StrEnum):
    """The kinds of those who can answer."""

    STATISTICS = "statistics"
    MODEL = "model"
    PERSON = "person"
    RULE = "rule"


class Author(Value):
    """Who answered: statistics, or a model, a person or a rule by name."""

    kind: AuthorKind
    name: str = ""

    def __str__(self) -> str:
        """Return the name for people: "rule propose-asks", "statistics"."""
        return f"{self.kind} {self.name}".rstrip()


STATISTICS = Author(kind=AuthorKind.STATISTICS)


class Usage(Value):
    """What an answer used up: model requests, tokens, and `cost` in USD (None: price unknown)."""

    requests: int = 0
    input: int = 0
    cached_input: int = 0
    output: int = 0
    reasoning: int = 0
    cost: float | None = 0.0

    @property
    def tokens(self) -> int:
        """All tokens; cached and reasoning ones are among those that came in and went out."""
        return self.input + self.output

    def __add__(self, other: "Usage") -> "Usage":
        """Return the sum; a sum with an unknown price has an unknown price."""
        unknown = self.cost is None or other.cost is None
        return Usage(
            requests=self.requests + other.requests,
            input=self.input + other.input,
            cached_input=self.cached_input + other.cached_input,
            output=self.output + other.output,
            reasoning=self.reasoning + other.reasoning,
            cost=None if unknown else (self.cost or 0.0) + (other.cost or 0.0),
        )


class Effort(Value):
    """What went into an answer; `took` is wall time in seconds.

    `notes` are changes of hands: which model failed, why, and who went on. `beside` reasoned too,
    and the answer is not its own.
    """

    by: Author
    usage: Usage = Usage()
    took: float = 0.0
    notes: tuple[str, ...] = ()
    beside: Author | None = None

    def joined(self, model: "Effort", missing: str) -> "Effort":
        """Return what this answer cost with a model beside it, which may have failed (`missing`).

        Who answers stays the same.
        """
        lost = (f"{missing.rstrip('.')}; {ALONE}",) if missing else ()
        return Effort(
            by=self.by,
            usage=self.usage + model.usage,
            took=self.took + model.took,
            notes=(*self.notes, *model.notes, *lost),
            beside=None if missing else model.by,
        )


class Answer(Value, Generic[T]):
    """A value, or in `missing` the reason why there is none."""

    value: T | None = None
    missing: str = ""
    effort: Effort

    @property
    def lost(self) -> tuple[str, ...]:
        """Each change of hands of a question to a model, the last one to statistics."""
        last = (f"{self.missing.rstrip('.')}; {ALONE}",) if self.missing else ()
        return (*self.effort.notes, *last)
