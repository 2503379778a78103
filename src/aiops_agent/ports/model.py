"""A language model as an agent sees it: one question, a typed answer, tools that only read."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from aiops_agent.domain.answer import Answer
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.model import ModelCall, Spending
from aiops_agent.domain.value import Document, Value
from aiops_agent.ports.durable import Once, uncheckpointed

T = TypeVar("T")


@dataclass(frozen=True)
class Tool:
    """Something that a model may look up. It changes nothing; its answer is untrusted text.

    `arguments` is closed: names come from enumerations that code filled, numbers have bounds.
    """

    name: str
    description: str
    arguments: type[Value]
    read: Callable[[Any], Awaitable[str]]


@dataclass(frozen=True)
class ModelQuestion(Generic[T]):
    """What one agent asks. `instructions` never change, so that a provider's cache works.

    `check` returns what is wrong with an answer, in words for the model: it is sent back once.
    What is still wrong then is the agent's to strike.
    """

    agent: str
    instructions: str
    material: str  # wrapped, cut, redacted: nothing of it is trusted
    shape: type[T]
    tools: tuple[Tool, ...] = ()
    check: Callable[[T], tuple[str, ...]] = lambda _answer: ()


@dataclass(frozen=True)
class Asking:
    """For which incident it is asked; a finished request is never paid twice."""

    incident: str
    environment: EnvironmentRef
    once: Once = field(default=uncheckpointed)


class Reasoner(Protocol):
    """A chain of models: the agent's own, then its fallback."""

    async def ask(self, question: ModelQuestion[T], asking: Asking) -> Answer[T]:
        """Return the answer of the first model that gives one, or in `missing` why none did.

        The effort names the model that answered, its usage, and each change of hands in `notes`.
        Raises nothing but defects of ours.
        """


class CallLog(Protocol):
    """What was sent to models, and what of the budgets is left; blocking calls."""

    def keep(self, call: ModelCall) -> None:
        """Keep a call, whether it was answered or not."""

    def answered(self, incident: str, about: str) -> ModelCall | None:
        """Return the newest answered call of an incident about the same, or None."""

    def spent(self, incident: str) -> Spending:
        """Return what all calls of an incident used up."""

    def spent_since(self, moment: datetime) -> Spending:
        """Return what all calls since then used up."""


Around: TypeAlias = Callable[[Asking, str, str], AbstractContextManager[Document]]
"""Called around each request and tool answer that is really made, never in a replay.

Given the asking, "model" or "tool", and its name; what is put into the document while it lasts
(model, usage, trouble) may become a span's attributes. A block that ends with an error failed.
"""
Reasoners: TypeAlias = Callable[[EnvironmentRef], Reasoner | None]
"""Who is asked about an environment; None: no model may be."""
