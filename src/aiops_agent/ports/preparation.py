"""Plans that the executor is asked to make ready."""

from collections.abc import Collection
from typing import Protocol

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.preparation import Preparation


class PreparationsView(Protocol):
    """One row per incident that waits for it."""

    def of(self, incident: str) -> Preparation | None:
        """Return what was asked last for an incident, or None."""

    def waiting(self, environments: Collection[EnvironmentRef]) -> tuple[Preparation, ...]:
        """Return what nobody has answered yet of these environments, oldest first."""


class Preparations(PreparationsView, Protocol):
    """The same, to be changed."""

    def put(self, asked: Preparation) -> None:
        """Insert or replace the question, or the answer, of an incident."""

    def drop(self, incident: str) -> None:
        """Remove the row of an incident."""
