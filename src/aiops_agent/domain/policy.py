"""What people wrote down beforehand: the mode they allow, and when nothing may be changed."""

from datetime import datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.value import Value


class Mode(StrEnum):
    """How far the agent may go."""

    OBSERVE = "observe"  # never asks to act
    PROPOSE = "propose"  # asks before every action
    ACT = "act"  # acts alone where a rule allows it


class Weekday(StrEnum):
    """Days of the week, Monday first."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Freeze(Value):
    """A stretch of each listed day in which these kinds of action are denied.

    No `days` means every day, no `actions` every kind. `start` is included, `end` excluded; both
    are local times of `timezone`. An `end` at or before `start` is that of the next day.
    """

    reason: str
    days: tuple[Weekday, ...] = ()
    actions: tuple[ActionKind, ...] = ()
    start: time = time(0)
    end: time | None = None
    timezone: str = "UTC"

    def covers(self, kind: ActionKind, at: datetime) -> bool:
        """Whether an action of this kind is frozen at that (aware) moment."""
        if self.actions and kind not in self.actions:
            return False
        local = at.astimezone(ZoneInfo(self.timezone))
        clock, day = local.time(), local.weekday()
        if self.end is None:
            return self._begins_on(day) and self.start <= clock
        if self.start < self.end:
            return self._begins_on(day) and self.start <= clock < self.end
        night_before = self._begins_on(day - 1) and clock < self.end
        return night_before or (self._begins_on(day) and self.start <= clock)

    def _begins_on(self, weekday: int) -> bool:
        return not self.days or tuple(Weekday)[weekday] in self.days
