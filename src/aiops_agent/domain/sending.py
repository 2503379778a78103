"""May anything be sent at all, and how often: the stop, the limits, the breaker."""

import re
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple, Self, TypeAlias

from pydantic import BeforeValidator, PlainSerializer

from aiops_agent.domain.duration import duration, spelled
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.value import Value

IN_A_ROW = 2  # incidents of a service that failed, before it is closed
CLOSED_FOR = timedelta(hours=1)  # environment time
_MOST = 1000  # actions: more within any span is no limit
_KEPT = 10  # failed incidents of one row: who looks at a breaker reads no more
_ONE = re.compile(r"1[a-z]+")  # "1h", which people write as "h"
_WRITTEN = "a limit is a number of actions per time, such as 3/h or 10/30m"
_RATE = re.compile(r"([0-9]{1,9})\s*/\s*(\S+)")


class Switch(Value):
    """One move of the stop switch: by whom, when (wall time) and why. The newest one counts."""

    stopped: bool
    by: str
    at: datetime
    reason: str = ""

    @property
    def words(self) -> str:
        """The move in a line: "stopped by alex at 2026-11-27 21:30:00 UTC: bad release"."""
        did = "stopped" if self.stopped else "started"
        why = f": {self.reason}" if self.reason else ""
        return f"{did} by {self.by} at {self.at:%Y-%m-%d %H:%M:%S} UTC{why}"


class Standing(Value):
    """How sending stands: the moves of the switch, newest first, what the file says, breakers.

    `file` is why the file `STOP` holds sending, "" when it does not.
    """

    moves: tuple[Switch, ...] = ()
    file: str = ""
    breakers: tuple["ServiceBreaker", ...] = ()

    @property
    def stopped(self) -> str:
        """Why nothing is sent, by switch or by file; "" when sending is on."""
        switch = self.moves[0].words if self.moves and self.moves[0].stopped else ""
        return "; ".join(filter(None, (switch, self.file)))


class ClockFlaws(Value):
    """What a clock that once stood too far ahead has left behind; nothing of it is all well.

    `latest` is the largest time seen when it lies ahead, `questions` those that wait, `actions`
    those counted at times still to come, `closed` services closed for longer than a breaker does.
    """

    latest: datetime | None = None
    questions: int = 0
    actions: int = 0
    closed: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Each flaw in a sentence."""
        found = []
        if self.latest is not None:
            waiting = f"{self.questions} question{'' if self.questions == 1 else 's'} withdrawn"
            found.append(
                f"The clock once said {self.latest:%Y-%m-%d %H:%M:%S} UTC, which is still to come: "
                f"no answer counts until it is reset ({waiting} by that)."
            )
        if self.actions:
            found.append(f"{self.actions} actions are counted at times that are still to come.")
        found += [f"{name} is closed for longer than an hour." for name in self.closed]
        return tuple(found)


class ActionLimit(NamedTuple):
    """At most so many actions within any stretch of so long."""

    most: int
    within: timedelta

    def __str__(self) -> str:
        """As people write it: "3/h", "10/30m"."""
        span = spelled(self.within)
        return f"{self.most}/{span[1:] if _ONE.fullmatch(span) else span}"


def limit(text: str) -> ActionLimit:
    """Return the limit that "3/h" names; raises ValueError when it names none."""
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(_WRITTEN)
    most, span = int(found[1]), found[2]
    try:
        within = duration(span if span[0].isdigit() else f"1{span}")
    except ValueError:
        raise ValueError(_WRITTEN) from None
    if most > _MOST or within <= timedelta():
        raise ValueError(f"a limit allows 0 to {_MOST} actions in a time longer than 0s")
    return ActionLimit(most, within)


def _read(value: object) -> object:
    if isinstance(value, ActionLimit):
        return value
    if not isinstance(value, str):
        raise ValueError(_WRITTEN)
    return limit(value)


Rate: TypeAlias = Annotated[ActionLimit, BeforeValidator(_read), PlainSerializer(str)]


class Limits(Value):
    """How many actions may be armed on one service, and in one environment."""

    per_service: Rate = ActionLimit(3, timedelta(hours=1))
    per_environment: Rate = ActionLimit(10, timedelta(hours=1))


class ServiceBreaker(Value):
    """The incidents of a service that failed in a row; two of them close it for an hour.

    `closed_until` is environment time. While it is closed nothing is armed on the service.
    """

    environment: EnvironmentRef
    service: ServiceName
    failed: tuple[str, ...] = ()
    closed_until: datetime | None = None
    opened_by: str = ""  # who reset it last, at which wall time
    opened_at: datetime | None = None

    def closed(self, at: datetime) -> bool:
        """Whether the service is closed at that moment of environment time."""
        return self.closed_until is not None and at < self.closed_until

    def failing(self, incident: str, at: datetime) -> Self:
        """Return the breaker after an incident failed; the same one counts once."""
        if incident in self.failed:
            return self
        failed = (*self.failed, incident)[-_KEPT:]
        until = at + CLOSED_FOR if len(failed) >= IN_A_ROW else self.closed_until
        return self.model_copy(update={"failed": failed, "closed_until": until})

    def mended(self) -> Self:
        """Return the breaker of a service that was seen to work."""
        return self.model_copy(update={"failed": (), "closed_until": None})

    def opened(self, by: str, at: datetime) -> Self:
        """Return the breaker of a service that a person opened, at that wall time."""
        return self.mended().model_copy(update={"opened_by": by, "opened_at": at})
