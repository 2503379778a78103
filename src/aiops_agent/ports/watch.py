"""What the watch has seen and opened, kept over a restart."""

from typing import Protocol

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.watch import WatchRecord


class WatchesView(Protocol):
    """One record an environment."""

    def get(self, environment: EnvironmentRef) -> WatchRecord | None:
        """Return what was seen there last; None where nobody ever looked."""


class Watches(WatchesView, Protocol):
    """The same, to be changed."""

    def put(self, environment: EnvironmentRef, record: WatchRecord) -> None:
        """Insert or replace the record of an environment."""
