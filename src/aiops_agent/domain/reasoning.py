"""What a model makes of a diagnosis: a suspect from a menu, claims as records, and their check."""

from enum import StrEnum

from pydantic import Field

from aiops_agent.domain.diagnosis import CauseKind, Confidence
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.domain.value import Value


class Suspect(Value):
    """A kind of cause at a service: what an answer names, and nothing else."""

    kind: CauseKind
    service: ServiceName

    @property
    def key(self) -> str:
        """The key of the hypothesis that says the same."""
        return f"{self.kind}:{self.service}"

    @property
    def words(self) -> str:
        """The suspect in a few words: "capacity of payments-api"."""
        return f"{self.kind.replace('_', ' ')} of {self.service}"


class Direction(StrEnum):
    """How something moved since the trouble began."""

    UP = "up"
    DOWN = "down"
    SAME = "same"
    NEW = "new"  # a change, or a kind of log line that was not there before


class Assertion(Value):
    """One thing that a model says of the world, in parts that code can check."""

    subject: str = Field(max_length=200)  # a service
    signal: str = Field(max_length=40)  # a signal, "log" or "change"
    direction: Direction
    size: float | None = None  # now divided by before; none when it is no matter of size
    evidence: str = Field(max_length=10)  # the finding that shows it


class CheckedClaim(Value):
    """A claim after its check; `words` are code's own. A wrong one is struck, and shown so."""

    claim: Assertion
    words: str
    wrong: str = ""  # why no finding supports it


class Gap(Value):
    """Something that a model says nobody can know from what is seen."""

    subject: str = Field(max_length=200)  # a service
    what: str = Field(max_length=40)  # a signal, "logs", "changes" or "inside"

    @property
    def words(self) -> str:
        """What nobody can know, in words."""
        if self.what == "inside":
            return f"what happens inside {self.subject}"
        return f"the {self.what.replace('_', ' ')} of {self.subject}"


class Stand(StrEnum):
    """How what the model said first compares with what statistics say."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    NOT_KNOWN = "not_known"  # the model names nobody


class SecondOpinion(Value):
    """A model's reasoning about a diagnosis. Only `first` counts as agreement.

    `first` is what it said before it saw the engine's ranking, `after` what it said then; None is
    "not known". `adopted` is its suspect when the engine abstains and the suspect may be acted on.
    """

    by: str  # the model that answered
    first: Suspect | None
    after: Suspect | None
    claims: tuple[CheckedClaim, ...] = ()
    not_known: tuple[Gap, ...] = ()
    stand: Stand
    engine: str = ""  # what statistics say, in a few words
    lowered: Confidence | None = None  # the confidence that it fell from
    adopted: Suspect | None = None
    words: str = ""  # all of it in a sentence, written by code

    @property
    def supported(self) -> tuple[CheckedClaim, ...]:
        """The claims that a finding shows."""
        return tuple(one for one in self.claims if not one.wrong)

    @property
    def struck(self) -> tuple[CheckedClaim, ...]:
        """The claims that no finding shows."""
        return tuple(one for one in self.claims if one.wrong)

    @property
    def needs_person(self) -> str:
        """Why a person must decide whatever policy says, or ""."""
        if self.adopted is not None:
            return f"statistics name no cause; a model alone suspects {self.adopted.words}"
        if self.stand is Stand.DISAGREES and self.first is not None:
            return f"statistics say {self.engine}, a model {self.first.words}"
        return ""


class NoCandidate(StrEnum):
    """Why a model picks none of the candidates."""

    CAUSE_STAYS = "cause_stays"  # none of them removes the cause
    TOO_RISKY = "too_risky"
    WRONG_TARGET = "wrong_target"
    HEALS_ALONE = "heals_alone"
    NEEDS_PERSON = "needs_person"

    @property
    def words(self) -> str:
        """The reason in words."""
        return _NO_CANDIDATE[self]


_NO_CANDIDATE = {
    NoCandidate.CAUSE_STAYS: "none removes the cause",
    NoCandidate.TOO_RISKY: "all are too risky",
    NoCandidate.WRONG_TARGET: "none has the right target",
    NoCandidate.HEALS_ALONE: "it heals by itself",
    NoCandidate.NEEDS_PERSON: "a person is needed",
}


class PlanPick(Value):
    """Which candidate a model would take. The engine's choice acts; another pick is dissent."""

    by: str
    action: str = ""  # its kind; "" for none of the candidates
    target: str = ""
    why_none: NoCandidate | None = None
    same_action: bool
    same_target: bool
    words: str  # written by code

    @property
    def dissent(self) -> str:
        """What it would do instead, or "" when it would do the same."""
        return "" if self.same_action and self.same_target else self.words


class Doubt(Value):
    """What a model says is still bad although every criterion holds; None of it when all is well.

    `by` was asked; it is asked once, then code looks there again.
    """

    by: str
    service: ServiceName | None = None
    signal: Signal | None = None
