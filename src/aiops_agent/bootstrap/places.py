"""Opens environments and their platforms by name: `shop:NAME`, `docker:NAME`."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiops_agent.actions.platform import Platform
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.incident import EnvironmentId
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
    real: Callable[[EnvironmentId], Place | None]
    freezes: tuple[Freeze, ...] = ()
    _open: dict[EnvironmentId, Place] = field(default_factory=dict)
    _turn: threading.RLock = field(default_factory=threading.RLock)

    def environment(self, environment: EnvironmentId) -> Environment:
        """Return the eyes of an environment; raises UsageError when there is none."""
        return self._place(environment).environment

    def platform(self, name: EnvironmentId) -> Platform:
        """Return the hands of an environment; raises UsageError when there is none."""
        return self._place(name).platform

    def add_shop(self, shop: OpenShop) -> EnvironmentId:
        """Keep a shop that was just founded and return its name."""
        with self._turn:
            self._open[shop.environment.id] = self._of_shop(shop)
        return shop.environment.id

    def _place(self, name: EnvironmentId) -> Place:
        with self._turn:
            if name not in self._open:
                self._open[name] = self._opened(name)
            return self._open[name]

    def _opened(self, name: EnvironmentId) -> Place:
        family, _, local = name.partition(":")
        if family == "shop" and local:
            return self._of_shop(open_shop(self.shops / Path(local).name))
        place = self.real(name)
        if place is None:
            raise UsageError(f"There is no environment {name!r} in this configuration.")
        own = replace(place.environment, freezes=self.freezes)
        return replace(place, environment=own)

    def _of_shop(self, shop: OpenShop) -> Place:
        freezes = (*self.freezes, *shop.scenario.freeze)
        return Place(replace(shop.environment, freezes=freezes), shop.platform)
