"""Which images of services were seen to run well."""

from typing import Protocol

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.telemetry import ServiceName


class Releases(Protocol):
    """What is remembered of the images of one environment."""

    async def good(self, service: ServiceName) -> tuple[GoodRelease, ...]:
        """Return the images on which a service was seen to run well, the latest first."""


class GoodReleasesView(Protocol):
    """One row per environment, service and image."""

    def listed(
        self, environment: EnvironmentRef, service: ServiceName | None = None
    ) -> tuple[GoodRelease, ...]:
        """Return those of a service, or of all, the one that was seen latest first."""


class GoodReleases(GoodReleasesView, Protocol):
    """The same, to be changed."""

    def put(self, environment: EnvironmentRef, release: GoodRelease) -> None:
        """Insert or replace one by its service and image id."""
