"""Opens environments and their platforms by name: `shop:NAME`, `docker:NAME`."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiops_agent.actions.platform import Platform
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.policy import Freeze
from aiops_agent.ports.telemetry import Environment
from aiops_agent.simulator.plug import OpenShop, open_shop


@dataclass(frozen=True)
class Place:
    """An environment and the power to change it, kept apart for those who get only the eyes."""

    environment: Environment
    platform: Platform


@dataclass
class Places:
    """All environments of this store; each is opened once."""

    shops: Path
    real: Callable[[EnvironmentRef], Place | None]
    freezes: tuple[Freeze, ...] = ()
    _open: dict[EnvironmentRef, Place] = field(default_factory=dict)
    _turn: threading.RLock = field(default_factory=threading.RLock)

    def environment(self, environment: EnvironmentRef) -> Environment:
        """Return the eyes of an environment; raises UsageError when there is none."""
        return self._place(environment).environment

    def platform(self, name: EnvironmentRef) -> Platform:
        """Return the hands of an environment; raises UsageError when there is none."""
        return self._place(name).platform

    def add_shop(self, shop: OpenShop) -> EnvironmentRef:
        """Keep a shop that was just founded and return its name."""
        with self._turn:
            self._open[shop.environment.ref] = self._of_shop(shop)
        return shop.environment.ref

    def _place(self, name: EnvironmentRef) -> Place:
        with self._turn:
            if name not in self._open:
                self._open[name] = self._opened(name)
            return self._open[name]

    def _opened(self, name: EnvironmentRef) -> Place:
        if name.simulated:
            return self._of_shop(open_shop(self.shops / name.name))
        place = self.real(name)
        if place is None:
            raise UsageError(f"There is no environment {str(name)!r} in this configuration.")
        own = replace(place.environment, freezes=self.freezes)
        return replace(place, environment=own)

    def _of_shop(self, shop: OpenShop) -> Place:
        freezes = (*self.freezes, *shop.scenario.freeze)
        return Place(replace(shop.environment, freezes=freezes), shop.platform)
