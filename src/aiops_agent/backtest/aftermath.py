"""Was telemetry back in its usual range some time later? Read for this verdict and nothing else."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aiops_agent.agents.briefing import Briefing, Pace
from aiops_agent.agents.crew import Crew
from aiops_agent.backtest.pinned import OpenPast, pinned
from aiops_agent.backtest.replay import NoMemory, NotReadThen, Said
from aiops_agent.domain.backtest import Healed, WouldHave
from aiops_agent.domain.duration import spelled
from aiops_agent.domain.remediation import Recovery
from aiops_agent.ports.past import PastClock

# It must have been good for so long then: three samples of a scrape of a minute.
HELD = timedelta(minutes=3)
_HEALED = {
    Recovery.RECOVERED: Healed.YES,
    Recovery.NOT_RECOVERED: Healed.NO,
    Recovery.WORSE: Healed.NO,
    Recovery.INCONCLUSIVE: Healed.UNSEEN,
}


@dataclass(frozen=True)
class Aftermath:
    """Looks `within` after all was said, by criteria that were fixed before; `now` is wall time."""

    open: OpenPast
    crew: Crew
    pace: Pace
    within: timedelta
    now: datetime

    async def healed(self, said: Said) -> tuple[Healed | None, str]:
        """Return the verdict and why; None where nothing had to heal. Raises NotReadThen."""
        after, later = said.at + self.within, f"{spelled(self.within)} later"
        if said.would is WouldHave.DISMISSED:
            return None, ""
        if after > self.now:
            return Healed.TOO_SOON, f"{later} is not over yet"
        if not said.measured:
            return Healed.UNSEEN, "no signal is seen that could tell"
        clock = PastClock(after)
        place, moment = pinned(self.open(clock), clock)
        briefing = Briefing(
            incident=said.incident,
            environment=place,
            memory=NoMemory(),
            now=after,
            pace=replace(self.pace, within=self.within),
        )
        held = {"hold": min(HELD, self.within)}
        wanted = tuple(one.model_copy(update=held) for one in said.measured)
        seen = (await self.crew.verify(briefing, wanted, said.at)).value
        if moment.failed or seen is None:
            raise NotReadThen(next(iter(moment.failed), "telemetry could not be read"))
        return _HEALED[seen.recovery], f"{later}: {seen.reason}"
