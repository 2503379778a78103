"""Who works on the stories of a store: one process at a time, under a rising number."""

from datetime import datetime

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.value import Value

EXECUTOR = "execute"  # the lease of a process of its own that sends


class Lease(Value):
    """The hold of one process on one role; each new hold has a larger `fence`.

    No owner is a lease that was given back. `until` is by the database's clock; None where a lock
    of the system tells whether the owner lives. `version` is that of the owner's program, `serves`
    names the environments for which it works, where that is a part of them.
    """

    name: str
    owner: str
    fence: int
    since: datetime
    until: datetime | None = None
    version: str = ""
    serves: tuple[str, ...] = ()

    def held(self, now: datetime) -> bool:
        """Whether somebody holds it at this moment."""
        return bool(self.owner) and (self.until is None or now < self.until)

    @property
    def words(self) -> str:
        """Who holds it, in a line: "host-12-0a1b since 2026-11-27 21:30:00 UTC"."""
        return f"{self.owner} since {self.since:%Y-%m-%d %H:%M:%S} UTC"


def away(executor: Lease | None, environment: EnvironmentRef, version: str, now: datetime) -> str:
    """Return why nobody would take what is armed for an environment now, or "".

    `executor` is the lease EXECUTOR, `version` that of our own program, `now` by the database.
    """
    if executor is None:
        return "no executor has ever run: start `aiops execute`"
    if not executor.held(now):
        last = executor.until or executor.since
        return f"the executor is away since {last:%Y-%m-%d %H:%M} UTC: start `aiops execute`"
    if executor.version != version:
        other = executor.version or "an older one"
        return f"the executor is of version {other} and this is {version}: run the same of both"
    if str(environment) not in executor.serves:
        return f"the executor does not know {environment}: give it the same configuration"
    return ""
