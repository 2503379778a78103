"""What is to be told, durably: a part of `ports.store`, always inside one of its transactions."""

from datetime import datetime
from typing import Protocol

from aiops_agent.domain.outbox import OutboxEntry, OutboxStanding


class OutboxView(Protocol):
    """Notices that wait for a receiver, and what became of all others."""

    def due(
        self, receiver: str, now: datetime, *, urgent: bool = False, limit: int = 1
    ) -> tuple[OutboxEntry, ...]:
        """Return what may be tried now (only what goes alone), oldest first.

        A time that lies further ahead than any pause was written by a clock that was set back.
        """

    def waiting(
        self, receiver: str, *, incident: str = "", message: str = ""
    ) -> tuple[OutboxEntry, ...]:
        """Return what waits (of one incident, of one digest), oldest first."""

    def told(self, receiver: str, since: datetime, until: datetime) -> tuple[int, int]:
        """Return how many notices went alone, and how many with a digest, between two moments."""

    def standing(self, since: datetime) -> tuple[OutboxStanding, ...]:
        """Return how each receiver's outbox stands, with what was given up later than `since`."""


class Outbox(OutboxView, Protocol):
    """The same, to be changed."""

    def add(self, entry: OutboxEntry) -> bool:
        """Add an entry unless the receiver has one of that key; say whether it was new."""

    def put(self, entry: OutboxEntry) -> None:
        """Replace the entry of that receiver and key."""
