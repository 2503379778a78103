"""Language models: which one, what was asked of it, what may go wrong, what may be spent."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field

from aiops_agent.domain.answer import Usage
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import AiopsError
from aiops_agent.domain.value import Document, Json, Value


class ModelRef(Value):
    """One model at one provider; as text `gemini:gemini-3.5-flash-lite`."""

    provider: str = Field(min_length=1)  # gemini, or openai for every server that speaks its format
    name: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"


class Trouble(StrEnum):
    """Why a model gave no answer that counts."""

    KEY = "key"  # refused: the key is wrong or missing; no other model is tried
    UNKNOWN_MODEL = "unknown_model"
    REQUEST = "request"  # the provider does not take what we sent
    OVERLOAD = "overload"  # 429, 5xx: it may work later
    SILENCE = "silence"  # no whole answer in time, or the connection broke
    FILTERED = "filtered"  # the provider's own safety filter
    LENGTH = "length"  # the answer did not fit
    SHAPE = "shape"  # not of the wished type, also after being told so
    CLOSED = "closed"  # failed too often lately: not tried for a while
    BUDGET = "budget"  # nothing is left of tokens, money, requests or time


class ModelError(AiopsError):
    """A model that did not answer; the text says who and why, and what to do."""

    def __init__(self, text: str, trouble: Trouble, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.trouble, self.retry_after = trouble, retry_after  # seconds, as the provider wishes
        self.used: Document = {}  # a Usage of what was paid for nothing, plain for a checkpoint


class Budget(Value):
    """What may be spent on one incident; `usd_per_day` on all of a day (UTC)."""

    tokens: int = Field(default=200_000, gt=0)
    usd: float = Field(default=0.50, gt=0)
    seconds: float = Field(default=600.0, gt=0)  # waiting for people is not counted
    requests: int = Field(default=60, gt=0)
    usd_per_day: float = Field(default=10.0, gt=0)


class Spending(Value):
    """What calls used up; `usd` is the part with a known price, so that a limit can be held."""

    usage: Usage = Usage()
    usd: float = 0.0
    seconds: float = 0.0


class ModelCall(Value):
    """One request as it left this machine, and what came back."""

    incident: str
    environment: EnvironmentRef
    agent: str
    ordinal: int  # of the request within the agent's run, from 1
    model: ModelRef  # that was asked
    answered_by: str = ""  # the model that says it answered
    place: str  # scheme, host and port that it went to
    path: str = ""
    status: int = 0  # of HTTP; 0 when no answer came
    sent: Json  # the body, already redacted: exactly these bytes left
    received: Json = None
    about: str = ""  # SHA-256 of the question; the same one again gets the same answer
    tools: tuple[str, ...] = ()  # that the answer asks for, by name, in its order
    redactions: int = 0  # places in `sent` that were redacted
    trouble: Trouble | None = None
    why: str = ""
    usage: Usage = Usage()
    started_at: datetime  # wall time
    took: float  # seconds

    def condensed(self) -> Self:
        """Return it with what it cost, without what was said; it answers no question again."""
        said = {"sent": {"condensed": True}, "received": None, "about": ""}
        return self.model_copy(update=said)


class CallSummary(Value):
    """A request without what was sent and received; `number` counts up as calls are kept."""

    number: int
    agent: str
    model: ModelRef
    trouble: Trouble | None
    usage: Usage
    took: float
