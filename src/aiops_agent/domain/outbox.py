"""What is still to be told to a receiver, what became of it, and how long it is worth telling.

All times are wall time, as those of questions: a shop's own time stands still while people think.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zlib import crc32

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.notice import Occasion
from aiops_agent.domain.value import Value

FIRST_PAUSE = timedelta(seconds=0.5)  # a hiccup is over by then
LONGEST_PAUSE = timedelta(minutes=1)  # of one notice; an outage is asked once a minute
LONGEST_REST = timedelta(seconds=10)  # of a receiver: one bad notice holds up others no longer
URGENT = timedelta(minutes=2)  # a question with less time left goes alone; no digest waits so long
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
MAX_AGE = {  # a question lives as long as it can be answered
    Occasion.RESOLVED: timedelta(hours=24),
    Occasion.ESCALATED: timedelta(hours=24),
    Occasion.DISMISSED: timedelta(hours=24),
    Occasion.FIRES_AGAIN: timedelta(hours=24),
}


class OutboxState(StrEnum):
    """Where an entry stands; all but the first are for ever."""

    WAITING = "waiting"
    TOLD = "told"
    SUPERSEDED = "superseded"  # no longer true, or a newer notice of its incident is told instead
    GIVEN_UP = "given_up"  # refused, or too old


class OutboxEntry(Value):
    """One notice for one receiver; `key` is the notice's and unique among the receiver's.

    `at` is when it may be tried while it waits, and when it ended afterwards. `message` is the key
    of the digest it goes with, which never changes once it was tried: "" is alone.
    """

    receiver: str
    key: str
    occasion: Occasion
    incident: str
    environment: EnvironmentRef
    severity: Severity
    request: str = ""  # the id of the question that it puts
    expires_at: datetime | None = None  # of that question
    what: str
    born_at: datetime
    at: datetime
    message: str = ""
    tries: int = 0
    state: OutboxState = OutboxState.WAITING
    why: str = ""  # it failed last, or was not told

    @property
    def urgent_from(self) -> datetime | None:
        """From when on it goes alone and at once; None when it may wait for a digest."""
        if self.severity is Severity.SEV1:
            return _EVER
        return self.expires_at - URGENT if self.expires_at else None

    def too_old(self, now: datetime) -> bool:
        """Whether nobody needs to know any more."""
        limit = MAX_AGE.get(self.occasion)
        return limit is not None and now - self.born_at > limit

    def failed(self, why: str, now: datetime) -> "OutboxEntry":
        """Return it as it waits for its next try."""
        tries = self.tries + 1
        at = now + pause(self.message or f"{self.receiver}:{self.key}", tries)
        return self.model_copy(update={"tries": tries, "why": why, "at": at})


class OutboxStanding(Value):
    """How the outbox of a receiver stands; `why` is what its oldest waiting entry met last."""

    receiver: str
    waiting: int
    oldest: datetime | None  # born then
    why: str
    given_up: int  # since the moment that was asked about


def pause(name: str, tries: int, longest: timedelta = LONGEST_PAUSE) -> timedelta:
    """Return how long to wait after so many failures: longer each time, and spread by name."""
    length = min(longest, FIRST_PAUSE * float(2 ** min(tries - 1, 20)))
    # A digest of the name and no dice: a replay and a test see the same.
    return length * (0.5 + crc32(f"{name}:{tries}".encode()) / 2**33)
