"""Founds a shop, breaks it, and puts its alert into the inbox."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from aiops_agent.bootstrap.environments import OpenEnvironments
from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.ports.memory import Memory
from aiops_agent.simulator.past import remembered
from aiops_agent.simulator.plug import OpenShop, create_shop
from aiops_agent.workflow.intake import Intake

MOST_SHOPS = 10_000  # a guard against a loop, not a wish


@dataclass(frozen=True)
class Demo:
    """What `aiops demo` needs besides the engine."""

    folder: Path
    places: OpenEnvironments
    intake: Intake
    memory: Memory

    def begin(
        self, scenario: str, seed: int, *, remember: bool, names: dict[str, str] | None = None
    ) -> EnvironmentRef:
        """Found the shop, let it break, keep its alert; return the shop's environment.

        `remember` gives the shop's people their memory of earlier incidents, safe to repeat.
        """
        shop = self._found(scenario, seed, names)
        environment = self.places.add_shop(shop)
        if remember:
            for case in remembered(names):
                self.memory.remember(case, None)
        body = json.dumps([alert.document() for alert in shop.alerts], sort_keys=True)
        self.intake.keep(
            Delivery(
                source="shop",
                environment=environment,
                digest=sha256(f"{environment}\n{body}".encode()).hexdigest(),
                body=body,
                alerts=shop.alerts,
                received_at=self.intake.now(),
            )
        )
        return environment

    def _found(self, scenario: str, seed: int, names: dict[str, str] | None) -> OpenShop:
        for number in range(1, MOST_SHOPS):
            folder = self.folder / f"{scenario}-{seed}-{number}"
            if not folder.exists():
                return create_shop(folder, scenario, seed, names)
        raise UsageError(f"{self.folder} holds {MOST_SHOPS} such shops; remove some.")
