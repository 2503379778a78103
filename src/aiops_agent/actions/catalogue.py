"""What an action is: parameters, bounds, words, risk. The menu of all that are registered."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    Capacity,
    Draft,
    Offer,
    Prepared,
    Risk,
    TargetKind,
)
from aiops_agent.domain.value import Value

WIDE = 4  # services in the blast radius, the target included


class Parameters(BaseModel):
    """What `Action.wished` must hold: exactly these fields, of exactly these types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Unbounded(Value):
    """The section of an action that has nothing to set."""


P = TypeVar("P", bound=Parameters)
B = TypeVar("B", bound=Value)


@dataclass(frozen=True)
class ActionSpec(Generic[P, B]):
    """One kind of action, and everything about it that is no platform's business.

    `bounds` is its section `actions.KIND` of the settings. `do` and `undo` are short lines in which
    {target} and the parameters are filled in, in `undo` those of the inverse. `hazard` says why
    `risk` is what it is before reach is looked at. `flaw` says why well-typed parameters are out of
    bounds, or "".
    """

    kind: ActionKind
    parameters: type[P]
    noun: str  # "scaling": what planner and memory call it
    do: str
    undo: str
    risk: Risk
    hazard: str
    platforms: frozenset[str]  # kinds of environment that may offer it
    bounds: type[B]
    targets: frozenset[TargetKind] = frozenset({TargetKind.SERVICE})
    reversible: bool = True
    capacity: Capacity = Capacity.KEEPS
    flaw: Callable[[P, B], str] = lambda _parameters, _bounds: ""


AnySpec: TypeAlias = ActionSpec[Any, Any]


class Catalogue:
    """All registered kinds of action."""

    def __init__(self, specs: Iterable[AnySpec]) -> None:
        self._specs = {spec.kind: spec for spec in specs}

    @property
    def kinds(self) -> tuple[ActionKind, ...]:
        """The names of all kinds, in the order of the registry."""
        return tuple(self._specs)

    def offers(
        self, platform: str, kinds: Iterable[ActionKind], bounds: Mapping[ActionKind, Value]
    ) -> tuple[Offer, ...]:
        """Return the menu: what an environment of kind `platform` may offer of `kinds`.

        What `bounds` does not mention has its built-in bounds.
        """
        specs = [self._specs[kind] for kind in kinds if kind in self._specs]
        return tuple(
            Offer(
                kind=spec.kind,
                noun=spec.noun,
                capacity=spec.capacity,
                bounds=bounds.get(spec.kind, spec.bounds()).document(),
            )
            for spec in specs
            if platform in spec.platforms
        )

    def check(self, action: Action, offers: Iterable[Offer]) -> None:
        """Raise PlatformError unless the action is on the menu, well typed and in bounds."""
        offer = next((offer for offer in offers if offer.kind == action.kind), None)
        if offer is None:
            raise PlatformError(f"{action.kind} is not offered here.")
        spec = self._specs[action.kind]
        if action.target.kind not in spec.targets:
            raise PlatformError(f"{action.text}: nothing that is done to a {action.target.kind}.")
        if set(offer.bounds) != set(spec.bounds.model_fields):
            raise PlatformError(f"{action.kind} is offered without its bounds.")
        try:
            wished = spec.parameters.model_validate(action.wished)
        except ValidationError as error:
            wanted = ", ".join(spec.parameters.model_fields) or "none"
            text = f"the parameters of {action.kind} are: {wanted}; {_first(error)}."
            raise PlatformError(f"{action.text}: {text}") from error
        if flaw := spec.flaw(wished, spec.bounds.of(offer.bounds)):
            raise PlatformError(f"{action.text}: {flaw}")

    def prepared(self, draft: Draft) -> Prepared:
        """Complete what a platform drafted: its words where the platform has none, and its risk.

        The risk is that of the kind, one step higher for each hazard of this one, no way back and
        wide reach; it is high when something is made that has rights beyond its own walls.
        """
        spec = self._specs[draft.action.kind]
        order, reasons = tuple(Risk), [spec.hazard]
        inverse = draft.inverse if spec.reversible else None
        reasons += draft.hazards
        if draft.blast.interrupts and inverse is None:
            reasons.append("no way back")
        if len(draft.blast.services) > WIDE:
            reasons.append(f"{len(draft.blast.services)} services in reach")
        level = order.index(spec.risk) + len(reasons) - 1
        if draft.rights:
            reasons.append(f"what is made gets {'; '.join(draft.rights)}")
            level = len(order) - 1
        return Prepared(
            **{
                **dict(draft),
                "inverse": inverse,
                "do": _filled(spec.do, draft.action),
                "undo": draft.undo or _filled(spec.undo, inverse or draft.action),
                "risk": order[min(level, len(order) - 1)],
                "hazard": "; ".join(reasons),
            }
        )


def _filled(words: str, action: Action) -> str:
    return words.format(target=action.target.text, **action.wished)


def _first(error: ValidationError) -> str:
    flaw = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, flaw['loc']))}: {flaw['msg'][:1].lower()}{flaw['msg'][1:]}"
