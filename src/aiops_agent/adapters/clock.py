"""The clock of real environments: wall time."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class WallClock:
    """ports.telemetry.Clock on the machine's own time."""

    def now(self) -> datetime:
        """Return the present time (UTC)."""
        return datetime.now(UTC)

    async def wait_until(self, at: datetime) -> None:
        """Return when it is at least `at`; a time that is past is waited for no longer."""
        left = (at - self.now()).total_seconds()
        await asyncio.sleep(max(0.0, left))
