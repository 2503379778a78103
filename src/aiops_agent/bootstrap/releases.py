"""Reads of the store which releases of an environment ran well."""

import asyncio
from dataclasses import dataclass

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.ports.store import Reader


@dataclass(frozen=True)
class StoredReleases:
    """ports.release.Releases of one environment."""

    reader: Reader
    environment: EnvironmentRef

    async def good(self, service: ServiceName) -> tuple[GoodRelease, ...]:
        """Return the images on which a service was seen to run well, the latest first."""
        return await asyncio.to_thread(self._read, service)

    def _read(self, service: ServiceName) -> tuple[GoodRelease, ...]:
        with self.reader.read() as view:
            return view.releases.listed(self.environment, service)
