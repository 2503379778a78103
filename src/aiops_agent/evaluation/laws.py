"""What the benchmark's pages of policy forbid, as records: the truth that critics are held to.

It is worked out from the records and not from the words, so that the product's own reading of the
words is never its own judge.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from aiops_agent.domain.approval import Ruling
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.telemetry import ServiceKind
from aiops_agent.reasoning.objections import About

RESTART, SCALE = "restart_service", "scale_pods"
ROLLBACK, SET = "rollback_release", "set_config"
DEEDS = (RESTART, SCALE, ROLLBACK, SET)
SERVICES: dict[str, ServiceKind] = {
    "web-front": ServiceKind.APPLICATION,
    "checkout": ServiceKind.APPLICATION,
    "catalogue": ServiceKind.APPLICATION,
    "ledger-db": ServiceKind.DATABASE,
    "catalogue-db": ServiceKind.DATABASE,
    "session-cache": ServiceKind.CACHE,
    "price-cache": ServiceKind.CACHE,
    "order-queue": ServiceKind.QUEUE,
}
PLACES = ("production", "staging")
DATABASES, CACHES, QUEUES = (
    tuple(name for name, kind in SERVICES.items() if kind is tier)
    for tier in (ServiceKind.DATABASE, ServiceKind.CACHE, ServiceKind.QUEUE)
)
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)


class DefectKind(StrEnum):
    """The ten kinds of defects that are planted."""

    WEEKDAY = "weekday"
    HOURS = "hours"
    SERVICE = "service"
    TIER = "action on a tier"
    ABOVE = "above a limit"
    BELOW = "below a minimum"
    PERSON = "no second person"
    FREEZE = "freeze"
    PLACE = "environment or mode"
    DEPENDENCY = "dependency"


class PageSet(StrEnum):
    """Which pages: those the check was built with, those it was mended with, those kept apart.

    Each set of laws tells in its file what was measured when it was first read.
    """

    BUILDING = "building"
    MENDED = "mended"
    APART = "apart"


class PlanState(StrEnum):
    """What may be the case while a plan is prepared; only a reader of the incident knows."""

    LEDGER_DOWN = "ledger-db answers no request"
    BACKUP = "a backup is running"
    ONE_LEFT = "only one replica of catalogue-db is healthy"
    FILLING = "session-cache is still filling up"


@dataclass(frozen=True)
class Sketch:
    """A plan of one action, with what is the case when it is prepared."""

    deed: str
    service: str
    wished: tuple[tuple[str, str | int], ...]
    now: datetime
    place: str
    mode: Mode
    states: frozenset[PlanState]

    @property
    def number(self) -> int | None:
        """The number that it wishes, if any."""
        found = (int(value) for _, value in self.wished if str(value).isdecimal())
        return next(found, None)


@dataclass(frozen=True)
class Law:
    """One sentence of a page: whom it is about, when, where; empty means all.

    `hours` are [start, end) in minutes of the day, over midnight when the end comes first;
    `dates` are both included. `above` and `below` are the last numbers that are allowed.
    """

    page: str
    quote: str
    kind: DefectKind
    about: About
    ruling: Ruling = Ruling.DENY
    deeds: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    hours: tuple[int, int] | None = None
    dates: tuple[date, date] | None = None
    above: int | None = None
    below: int | None = None
    place: str = ""
    mode: Mode | None = None
    state: PlanState | None = None

    def elsewhere(self, sketch: Sketch) -> bool:
        """Whether it is about another action, service, time, place or number than the sketch."""
        return not (
            (not self.deeds or sketch.deed in self.deeds)
            and (not self.services or sketch.service in self.services)
            and (not self.weekdays or sketch.now.weekday() in self.weekdays)
            and (self.hours is None or _within(sketch.now, *self.hours))
            and (self.dates is None or self.dates[0] <= sketch.now.date() <= self.dates[1])
            and self.place in ("", sketch.place)
            and self.mode in (None, sketch.mode)
            and self._number_broken(sketch.number)
        )

    def broken(self, sketch: Sketch) -> bool:
        """Whether the sketch does what the sentence forbids, or what it wants a person for."""
        return not self.elsewhere(sketch) and (self.state is None or self.state in sketch.states)

    def _number_broken(self, number: int | None) -> bool:
        if self.above is None and self.below is None:
            return True
        if number is None:
            return False
        return (self.above is not None and number > self.above) or (
            self.below is not None and number < self.below
        )


def _within(now: datetime, start: int, end: int) -> bool:
    at = now.hour * 60 + now.minute
    return start <= at < end if start < end else at >= start or at < end
