"""What an action is: its parameters, its bounds, its risk. The closed menu of all of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.remediation import Action, ActionKind, BlastRadius, Offer, Risk


@dataclass(frozen=True)
class ActionSpec:
    """One kind of action.

    `parameters` names what `Action.wished` must hold and of which type; `flaw` says why a
    well-typed action is out of bounds, or ""; `risk` is the risk before reach is looked at.
    """

    kind: ActionKind
    caption: str
    parameters: Mapping[str, type]
    risk: Risk
    flaw: Callable[[Action, Mapping[str, int]], str] = lambda _action, _bounds: ""


class Catalogue:
    """All kinds of action that we know, by kind."""

    def __init__(self, specs: Iterable[ActionSpec]) -> None:
        self._specs = {spec.kind: spec for spec in specs}

    @property
    def kinds(self) -> tuple[ActionKind, ...]:
        """The names of all kinds, in the order of the registry."""
        return tuple(self._specs)

    def offers(
        self, kinds: Iterable[ActionKind], bounds: Mapping[ActionKind, Mapping[str, int]]
    ) -> tuple[Offer, ...]:
        """Return the menu: known kinds among `kinds`, with their bounds."""
        return tuple(
            Offer(kind=kind, bounds=dict(bounds.get(kind, {})))
            for kind in kinds
            if kind in self._specs
        )

    def check(self, action: Action, offers: Iterable[Offer]) -> None:
        """Raise PlatformError unless the action is on the menu, well typed and in bounds."""
        offer = next((offer for offer in offers if offer.kind == action.kind), None)
        if offer is None:
            raise PlatformError(f"{action.kind} is not offered here.")
        spec = self._specs[action.kind]
        if set(action.wished) != set(spec.parameters):
            wanted = ", ".join(spec.parameters) or "none"
            raise PlatformError(f"{action.text}: the parameters of {action.kind} are: {wanted}.")
        for name, kind in spec.parameters.items():
            if type(action.wished[name]) is not kind:
                raise PlatformError(f"{action.text}: {name} must be of type {kind.__name__}.")
        if flaw := spec.flaw(action, offer.bounds):
            raise PlatformError(f"{action.text}: {flaw}")

    def risk(self, action: Action, blast: BlastRadius, inverse: Action | None) -> Risk:
        """Return the risk: that of the kind, one step higher for wide reach or no way back."""
        order = tuple(Risk)
        level = order.index(self._specs[action.kind].risk)
        if blast.interrupts and inverse is None:
            level += 1
        if len(blast.services) > WIDE:
            level += 1
        return order[min(level, len(order) - 1)]


WIDE = 4  # services in the blast radius, the target included
