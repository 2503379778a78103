"""What came in, durably: a part of `ports.store`, always inside one of its transactions."""

from datetime import datetime
from typing import Protocol

from aiops_agent.domain.alert import NONE_DONE, Backlog, Delivery, Progress
from aiops_agent.domain.environment import EnvironmentRef


class InboxView(Protocol):
    """Bodies received and not yet, or already, handled."""

    def waiting(
        self, limit: int, *, environment: EnvironmentRef | None = None, alerts: int | None = None
    ) -> tuple[Delivery, ...]:
        """Return unhandled, unrejected deliveries (of one environment), oldest first.

        Of one body kept in parts, all but the first wait until no other waits. With `alerts`, no
        more deliveries than hold so many, but one at least.
        """

    def progress(self, delivery: int) -> Progress | None:
        """Return how far a delivery is handled; None when it is wholly."""

    def joined(self, delivery: Delivery) -> str:
        """Return the incident that an earlier part of the same body joined, or ""."""

    def backlog(self) -> Backlog:
        """Return how much waits."""

    def environments(self) -> tuple[EnvironmentRef, ...]:
        """Return the environments for which deliveries wait."""

    def get(self, number: int) -> Delivery | None:
        """Return one delivery, or None."""

    def rejected(self, limit: int) -> tuple[Delivery, ...]:
        """Return rejected deliveries, newest first."""


class Inbox(InboxView, Protocol):
    """The same, to be changed."""

    def prune(self, before: datetime, most: int) -> int:
        """Remove bodies that came before then and are handled or rejected; return how many."""

    def keep(self, delivery: Delivery) -> Delivery:
        """Keep a body. The same bytes again count up `seen` and wait to be handled again.

        What waits already keeps its place.
        """

    def advance(self, delivery: int, progress: Progress) -> None:
        """Say how far a delivery is handled."""

    def handled(self, delivery: int, progress: Progress = NONE_DONE) -> None:
        """Mark a delivery as handled wholly."""

    def attempt(self) -> None:
        """Write something that says nothing, to see whether a body could be kept."""
