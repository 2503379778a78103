"""Who works on the stories of a store: one process at a time, under a rising number."""

from datetime import datetime

from aiops_agent.domain.value import Value


class Lease(Value):
    """The hold of one process on one role; each new hold has a larger `fence`.

    No owner is a lease that was given back. `until` is by the database's clock; None where a lock
    of the system tells whether the owner lives.
    """

    name: str
    owner: str
    fence: int
    since: datetime
    until: datetime | None = None

    def held(self, now: datetime) -> bool:
        """Whether somebody holds it at this moment."""
        return bool(self.owner) and (self.until is None or now < self.until)

    @property
    def words(self) -> str:
        """Who holds it, in a line: "host-12-0a1b since 2026-11-27 21:30:00 UTC"."""
        return f"{self.owner} since {self.since:%Y-%m-%d %H:%M:%S} UTC"
