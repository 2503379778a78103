"""How an agent asks a model: its prompt, its material, a shape whose names code filled."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, create_model

from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.value import Value
from aiops_agent.ports.model import Asking, ModelQuestion, Reasoner, Tool
from aiops_agent.reasoning.sentences import PolicyText

V = TypeVar("V", bound=Value)

PROMPTS = ("triage", "diagnose", "plan", "critique", "verify", "report", "ask")
NOT_KNOWN = "not known"


@cache
def packaged_prompts() -> Mapping[str, str]:
    """Return the prompts that come with the package, by the agent's name."""
    folder = files("aiops_agent.agents") / "prompts"
    return MappingProxyType({n: (folder / f"{n}.md").read_text("utf-8") for n in PROMPTS})


@cache
def packaged_policies() -> tuple[PolicyText, ...]:
    """Return the pages of policy that come with the package."""
    folder = files("aiops_agent.agents") / "policies"
    pages = sorted((one.name, one.read_text("utf-8")) for one in folder.iterdir())
    return tuple(PolicyText(name=name, text=text) for name, text in pages)


@dataclass(frozen=True)
class Desk:
    """What an agent needs to ask a model: who reasons, the prompts, the pages of policy."""

    reasoner: Reasoner
    prompts: Mapping[str, str] = field(default_factory=packaged_prompts)
    policies: tuple[PolicyText, ...] = field(default_factory=packaged_policies)

    async def ask(
        self,
        agent: str,
        briefing: Briefing,
        material: str,
        shape: type[V],
        *,
        menus: Mapping[str, Any],
        tools: Sequence[Tool] = (),
        check: Callable[[V], tuple[str, ...]] = lambda _answer: (),
    ) -> Answer[V]:
        """Ask the models of one agent about one incident.

        `menus` says for fields of the shape which names they may hold. An answer that holds
        another counts as none, whoever let it through.
        """
        closed = narrowed(shape, **menus)
        question = ModelQuestion(
            agent=agent,
            instructions=self.prompts[agent],
            material=material,
            shape=closed,
            tools=tuple(tools),
            check=check,
        )
        incident = briefing.incident
        asking = Asking(incident.id, incident.environment, briefing.once)
        answer = await self.reasoner.ask(question, asking)
        if answer.value is None:
            return Answer(missing=answer.missing or "no model answered", effort=answer.effort)
        try:
            given = closed.of(answer.value.document())
        except ValidationError:
            missing = "the answer holds names that are not in its menus"
            return Answer(missing=missing, effort=answer.effort)
        return Answer(value=shape.of(given.document()), effort=answer.effort)


def narrowed(shape: type[V], **menus: Any) -> type[V]:
    """Return the shape with fields limited to a menu of names, or to a narrower type."""
    return _narrowed(shape, tuple(sorted(menus.items())))


@lru_cache(maxsize=256)
def _narrowed(shape: type[V], menus: tuple[tuple[str, Any], ...]) -> type[V]:
    fields: dict[str, Any] = {
        name: (Literal[menu] if isinstance(menu, tuple) else menu, ...) for name, menu in menus
    }
    return create_model(shape.__name__, __base__=shape, __doc__=shape.__doc__, **fields)


def several(kind: type[Value], least: int, most: int) -> Any:
    """Return the type of a tuple of so many records of a kind that code made."""
    items = tuple[kind, ...]  # type: ignore[valid-type]  # a type that is made while we run
    return Annotated[items, Field(min_length=least, max_length=most)]
