"""A Reasoner of ours: scripted answers, sent back once as a real chain does, no network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiops_agent.domain.answer import Answer, Author, AuthorKind, Effort, Usage
from aiops_agent.domain.value import Value
from aiops_agent.ports.model import Asking, ModelQuestion

T = TypeVar("T")
Say = Callable[[ModelQuestion[Any]], dict[str, Any] | Value | None]
MODEL = Author(kind=AuthorKind.MODEL, name="scripted")
COST = Usage(requests=1, input=100, output=10, cost=0.001)


def silent(_question: ModelQuestion[Any]) -> None:
    """Say nothing."""


@dataclass
class Thinker:
    """Answers each agent by its script; `asked` and `sent_back` keep what went on.

    A script may return a Value past the menus, as a broken chain might.
    """

    scripts: dict[str, Say] = field(default_factory=dict)
    asked: list[ModelQuestion[Any]] = field(default_factory=list)
    sent_back: list[tuple[str, ...]] = field(default_factory=list)

    async def ask(self, question: ModelQuestion[T], asking: Asking) -> Answer[T]:
        effort = Effort(by=MODEL, usage=COST, took=0.1)
        script = self.scripts.get(question.agent, silent)
        value: Any = None
        for _ in range(2):
            self.asked.append(question)
            given = script(question)
            if given is None:
                lost = effort.model_copy(update={"notes": ("first: overload; second goes on",)})
                return Answer(missing="no model answered", effort=lost)
            value = given if isinstance(given, Value) else question.shape.of(given)  # type: ignore[attr-defined]  # a record
            wrong = question.check(value)
            if not wrong:
                break
            self.sent_back.append(wrong)
        return Answer(value=value, effort=effort)

    def of(self, agent: str) -> list[ModelQuestion[Any]]:
        """Return what one agent asked."""
        return [one for one in self.asked if one.agent == agent]


def menu(question: ModelQuestion[Any], name: str) -> tuple[str, ...]:
    """Return the names that a field of an answer may hold."""
    schema = question.shape.model_json_schema()
    said = schema["properties"][name]
    return tuple(said.get("enum", [said.get("const")]))


def suspects(kind: str, service: str, *claims: dict[str, Any]) -> Say:
    """Return a script that names this cause, first and after."""

    def say(question: ModelQuestion[Any]) -> dict[str, Any]:
        named = {"kind": kind, "service": service}
        if "claims" not in question.shape.model_fields:
            return named
        gap = {"subject": service, "what": "inside"}
        return {**named, "claims": list(claims), "not_known": [gap]}

    return say


def shows(subject: str, signal: str, direction: str, evidence: str, **more: Any) -> dict[str, Any]:
    """Return a claim."""
    claim = {"subject": subject, "signal": signal, "direction": direction, "evidence": evidence}
    return {**claim, **more}
