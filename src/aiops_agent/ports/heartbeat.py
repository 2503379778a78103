"""Which deadman's alerts have been heard."""

from typing import Protocol

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.heartbeat import Heartbeat


class HeartbeatsView(Protocol):
    """One row per environment and alert."""

    def listed(self, environment: EnvironmentRef) -> tuple[Heartbeat, ...]:
        """Return all that were ever heard there, by name."""


class Heartbeats(HeartbeatsView, Protocol):
    """The same, to be changed."""

    def put(self, environment: EnvironmentRef, heartbeat: Heartbeat) -> None:
        """Insert or replace one by its key."""
