"""Tells people that a loop of ours does not work: past store and bus, which may be the trouble."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.notice import Notice, Occasion
from aiops_agent.ports.people import Notifier
from aiops_agent.workflow.loops import Loop, Loops, each

ALARM_SECONDS = 60.0  # of trouble without a break; what is shorter heals by itself


@dataclass
class TroubleAlarm:
    """Tells each notifier once of each trouble; `now` is wall time."""

    loops: Loops
    notifiers: Sequence[Notifier]
    environment: EnvironmentRef
    now: Callable[[], datetime]
    _told: dict[tuple[Loop, str], str] = field(default_factory=dict)  # (loop, channel): key

    async def look(self) -> None:
        """Tell what is not told yet; what cannot be told raises, and is told by a later look."""
        troubled = [loop for loop in self.loops if loop.troubled]
        self._told = {one: key for one, key in self._told.items() if one[0] in troubled}
        late = [loop for loop in troubled if loop.troubled >= ALARM_SECONDS]
        untold = [
            (n, one) for one in late for n in self.notifiers if (one, n.name) not in self._told
        ]
        await each(untold, lambda pair: self._tell(*pair))

    async def _tell(self, notifier: Notifier, loop: Loop) -> None:
        at = self.now()
        key = f"trouble:{loop.name}:{loop.about}:{at:%Y%m%dT%H%M%S}"
        notice = Notice(
            key=key,
            occasion=Occasion.TROUBLE,
            incident="",
            environment=self.environment,
            severity=Severity.SEV2,
            title="The agent itself is in trouble",
            what=f"{loop.trouble} It is tried again; the server's log says more.",
            at=at,
        )
        await notifier.tell(notice)
        self._told[loop, notifier.name] = key
