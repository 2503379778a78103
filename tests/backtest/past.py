"""A made-up past: a world whose telemetry goes on behind every moment, and alerts of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aiops_agent.agents.briefing import Pace
from aiops_agent.agents.crew import Crew, without_llm
from aiops_agent.backtest.group import GroupTerms
from aiops_agent.backtest.run import Backtest
from aiops_agent.domain.backtest import (
    AlertEpisode,
    AlertPast,
    BacktestRun,
    PastAnswer,
    PersonMark,
    Rightness,
)
from aiops_agent.domain.telemetry import Objective, Series, Service, ServiceName, Signal, Window
from aiops_agent.ports.past import Meter
from aiops_agent.ports.telemetry import Clock, Environment
from tests.reasoning.world import BEGAN, MENU, Course, World, wobble

API = ServiceName("api")
DAY = Window(start=BEGAN - timedelta(hours=12), end=BEGAN + timedelta(hours=12))
FIRED = BEGAN + timedelta(minutes=3)


def episode(
    name: str = "HighLatency",
    service: str = "api",
    began: datetime = FIRED,
    length: timedelta = timedelta(minutes=9),
    **labels: str,
) -> AlertEpisode:
    """An alert that fired for so long."""
    told = {"alertname": name, "service": service, **labels}
    return AlertEpisode(labels=told, began=began, ended=began + length)


def surge(ends: float = 10_000.0, every: float = 1e9) -> World:
    """A service that is asked five times what it was, slow and full until `ends`; all in seconds.

    It begins anew `every` so often.
    """

    def course(calm: float, bad: float) -> Course:
        return lambda t: (bad if t >= 0 and t % every < ends else calm) * wobble(t)

    courses: dict[tuple[str, Signal], Course] = {
        (API, Signal.LATENCY): course(0.1, 1.4),
        (API, Signal.ERRORS): course(0.001, 0.001),
        (API, Signal.TRAFFIC): course(40.0, 200.0),
        (API, Signal.SATURATION): course(0.4, 0.99),
        (API, Signal.REPLICAS): lambda _: 2.0,
    }
    objective = Objective(latency=0.3, errors=0.02)
    service = Service(name=API, objective=objective, replicas=2)
    return Recorded(courses=courses, services=(service,), alerting="api", now=DAY.end)


def often(times: int) -> "PastWorld":
    """A past in which that happened so often, every two hours."""
    began = [FIRED + timedelta(hours=2 * n) for n in range(times)]
    world = surge(ends=1500.0, every=7200.0)
    return PastWorld(world, tuple(episode(began=at) for at in began))


class Recorded(World):
    """A world that answers whatever is asked of it, also what came later."""


@dataclass
class PastWorld:
    """The alerts, the vendor that is asked for the past, and what is kept."""

    world: World = field(default_factory=surge)
    episodes: tuple[AlertEpisode, ...] = (episode(),)
    kept: list[PastAnswer | PersonMark | BacktestRun] = field(default_factory=list)
    meter: Meter = field(default_factory=Meter)
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)  # clock, end of window
    crew: Crew = field(default_factory=without_llm)
    now: datetime = DAY.end
    clock: Clock | None = None

    async def fired(self, window: Window) -> AlertPast:
        found = [one for one in self.episodes if window.start <= one.began < window.end]
        return AlertPast(episodes=tuple(found), recorded=window.length)

    def open(self, clock: Clock) -> Environment:
        """The environment, which itself holds nothing back."""
        self.clock = clock
        return replace(self.world.environment(), metrics=self, clock=clock)

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        self.meter.ask()
        assert self.clock is not None
        self.asked.append((self.clock.now(), window.end))
        return await self.world.read(services, signals, window)

    def answers(self) -> dict[str, PastAnswer]:
        return {one.id: one for one in self.kept if isinstance(one, PastAnswer)}

    def marks(self) -> dict[str, Rightness]:
        return {one.id: one.rightness for one in self.kept if isinstance(one, PersonMark)}

    def last_run(self) -> BacktestRun | None:
        return next((one for one in reversed(self.kept) if isinstance(one, BacktestRun)), None)

    def keep(self, one: PastAnswer | PersonMark | BacktestRun) -> None:
        self.kept.append(one)

    def backtest(self) -> Backtest:
        """A run over this past."""
        return Backtest(
            history=self,
            open=self.open,
            kept=self,
            meter=self.meter,
            crew=self.crew,
            terms=GroupTerms(environment=self.world.environment().ref),
            pace=Pace(),
            menu=MENU,
            version="0",
            now=lambda: self.now,
        )

    async def run(self, *, again: bool = False) -> BacktestRun:
        """Run it over the day."""
        return await self.backtest().run(DAY, again=again)

    async def answer(self) -> PastAnswer:
        """Run it and return the only answer."""
        await self.run()
        [found] = self.answers().values()
        return found
