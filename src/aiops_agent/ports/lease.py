"""Who works on the stories of a store, as the store knows it."""

from typing import Protocol

from aiops_agent.domain.lease import Lease


class LeasesView(Protocol):
    """One row per role."""

    def get(self, name: str) -> Lease | None:
        """Return the lease of a role as it was put last, or None when there never was one."""


class Leases(LeasesView, Protocol):
    """The same, to be changed."""

    def put(self, lease: Lease) -> None:
        """Insert or replace the lease of a role."""
