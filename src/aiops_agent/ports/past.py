"""Reading the past: which alerts fired, and a bound on all that is asked for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiops_agent.domain.backtest import AlertPast, BacktestRun, PastAnswer, PersonMark, Rightness
from aiops_agent.domain.errors import LimitReached
from aiops_agent.domain.telemetry import Window


class AlertHistory(Protocol):
    """Which alerts fired when."""

    async def fired(self, window: Window) -> AlertPast:
        """Return every stretch in which an alert fired inside the window. Raises SourceError."""


class KeptAnswers(Protocol):
    """Answers and marks that outlive the process; its calls block."""

    def answers(self) -> dict[str, PastAnswer]:
        """Return the latest answer of each incident by its id. Raises StoreError."""

    def marks(self) -> dict[str, Rightness]:
        """Return people's latest word by the answer's id. Raises StoreError."""

    def last_run(self) -> BacktestRun | None:
        """Return the latest run. Raises StoreError."""

    def keep(self, one: PastAnswer | PersonMark | BacktestRun) -> None:
        """Keep one durably. Raises StoreError."""


@dataclass
class Meter:
    """Counts what is asked and read, and stops it at a bound; `read` is in bytes."""

    most_queries: int = 50_000
    most_bytes: int = 1_000_000_000
    queries: int = 0
    read: int = 0

    def ask(self) -> None:
        """Count one question before it is asked; raises LimitReached when enough were."""
        if self.queries >= self.most_queries:
            raise LimitReached(f"{self.most_queries:,} queries were asked (--max-queries).")
        if self.read >= self.most_bytes:
            raise LimitReached(f"{self.most_bytes / 1e6:,.0f} MB were read (--max-mb).")
        self.queries += 1

    def took(self, size: int) -> None:
        """Count the bytes of an answer."""
        self.read += size


@dataclass
class PastClock:
    """The time of a replay: it stands at a moment of the past and only goes forward."""

    at: datetime

    def now(self) -> datetime:
        """Return the moment."""
        return self.at

    async def wait_until(self, at: datetime) -> None:
        """Go on to that moment at once; a time that is past changes nothing."""
        self.at = max(self.at, at)
