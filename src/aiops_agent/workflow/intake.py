"""The front door for alerts: what was sent is on the disk before it is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.point import Mark, Point, unmarked
from aiops_agent.ports.store import Store

Decoder = Callable[..., Delivery]


@dataclass(frozen=True)
class Intake:
    """Keeps bodies durably; every call is blocking and raises StoreError."""

    store: Store
    environment: EnvironmentRef
    decoders: Mapping[str, Decoder]
    now: Callable[[], datetime]  # wall time
    heard: Callable[[], None] = lambda: None  # called after a delivery was kept
    running: Callable[[], bool] = lambda: False  # whether this process runs the engine
    mark: Mark = unmarked

    def take(self, source: str, body: bytes) -> Delivery:
        """Keep a body durably and return what was kept."""
        return self.keep(
            self.decoders[source](body, environment=self.environment, received_at=self.now())
        )

    def keep(self, delivery: Delivery) -> Delivery:
        """Keep a decoded delivery durably."""
        with self.store.begin() as work:
            kept = work.inbox.keep(delivery)
        self.mark(Point.DELIVERY_KEPT)
        self.heard()
        return kept

    def ready(self) -> tuple[bool, str]:
        """Whether alerts can be taken and worked on, and what hinders it if not."""
        if not self.running():
            return False, "The engine does not run."
        return self.store_ready()

    def store_ready(self) -> tuple[bool, str]:
        """Whether the store takes a transaction, and what it says if not."""
        try:
            with self.store.begin():
                return True, "ready"
        except StoreError as error:
            return False, str(error)
