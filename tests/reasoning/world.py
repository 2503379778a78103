"""A made-up environment: signals are steps and ramps, so that every answer is known by hand."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiops_agent.actions.scale import SCALE, ScaleBounds
from aiops_agent.adapters.off import Absent
from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.postmortem import PastIncident, Postmortem
from aiops_agent.domain.remediation import Target
from aiops_agent.domain.telemetry import (
    AlertRule,
    Change,
    LogLine,
    RuleReading,
    Series,
    Service,
    ServiceGraph,
    ServiceName,
    Signal,
    Window,
    Workload,
)
from aiops_agent.memory.recall import alike
from aiops_agent.ports.memory import Hit, RecallQuery
from aiops_agent.ports.telemetry import Environment
from aiops_agent.registry import CATALOGUE

BEGAN = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
MENU = CATALOGUE.offers("shop", CATALOGUE.kinds, {SCALE.kind: ScaleBounds(max_replicas=8)})
Course = Callable[[float], float | None]  # seconds since BEGAN -> value


def wobble(at: float) -> float:
    """Return 0.98..1.02: noise that is the same every time."""
    return 1.0 + 0.02 * math.sin(at * 1.7) * math.cos(at * 0.31)


def step(before: float, after: float, at: float = 0.0) -> Course:
    """Return a course that jumps from `before` to `after`."""
    return lambda t: (before if t < at else after) * wobble(t)


def ramp(before: float, after: float, start: float, end: float) -> Course:
    """Return a course that rises evenly between two moments."""

    def course(t: float) -> float:
        share = min(1.0, max(0.0, (t - start) / (end - start)))
        return before + share * (after - before) + 0.002 * math.sin(t)

    return course


@dataclass
class Remembered:
    """A memory of what was put into it, and of nothing else."""

    cases: list[PastIncident] = field(default_factory=list)

    def remember(self, case: PastIncident, report: Postmortem | None) -> None:
        self.cases.append(case)

    def recall(self, query: RecallQuery) -> tuple[Hit, ...]:
        return alike(self.cases, query)


@dataclass
class World:
    """What the fakes answer from. `broken` holds the sources that raise SourceError."""

    courses: dict[tuple[str, Signal], Course] = field(default_factory=dict)
    queries: dict[tuple[str, Signal], str] = field(default_factory=dict)  # told, where any
    listed: tuple[AlertRule, ...] = ()
    readings: dict[str, tuple[RuleReading, ...]] = field(default_factory=dict)  # by a rule's name
    services: tuple[Service, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    book: tuple[Change, ...] = ()
    log: tuple[LogLine, ...] = ()
    instances: tuple[Workload, ...] = ()
    resolution: float = 15.0
    history: float = 5400.0  # seconds before BEGAN from which there is data
    now: datetime = BEGAN + timedelta(minutes=3)
    broken: set[str] = field(default_factory=set)
    alerting: str = "shopfront"
    alert: str = "HighLatency"

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        self._check("metrics")
        first = max((window.start - BEGAN).total_seconds(), -self.history)
        last = (min(window.end, self.now) - BEGAN).total_seconds()
        ticks = range(math.ceil(first / self.resolution), math.ceil(last / self.resolution))
        at = [tick * self.resolution for tick in ticks]
        return tuple(
            Series(
                service=name,
                signal=signal,
                times=tuple(BEGAN + timedelta(seconds=t) for t in at),
                values=tuple(self.courses[name, signal](t) for t in at),
                source="fake",
                query=self.queries.get((name, signal), f"{signal} of {name}"),
            )
            for name in services
            for signal in signals
            if (name, signal) in self.courses and at
        )

    async def lines(self, services: Sequence[ServiceName], window: Window) -> tuple[LogLine, ...]:
        self._check("logs")
        seen = (one for one in self.log if one.service in services)
        return tuple(one for one in seen if window.start <= one.at < window.end)

    async def changes(self, window: Window) -> tuple[Change, ...]:
        self._check("changes")
        return tuple(one for one in self.book if window.start <= one.at < window.end)

    async def workloads(self, services: Sequence[ServiceName]) -> tuple[Workload, ...]:
        self._check("workloads")
        return tuple(one for one in self.instances if one.service in services)

    async def graph(self) -> ServiceGraph:
        self._check("topology")
        pairs = tuple((ServiceName(a), ServiceName(b)) for a, b in self.calls)
        return ServiceGraph(services=self.services, calls=pairs)

    async def rules(self) -> tuple[AlertRule, ...]:
        self._check("rules")
        return self.listed

    async def evaluate(
        self, rule: AlertRule, at: datetime | None = None
    ) -> tuple[RuleReading, ...]:
        self._check("rules")
        return self.readings.get(rule.name, ())

    async def wait_until(self, at: datetime) -> None:
        self.now = max(self.now, at)

    def _check(self, source: str) -> None:
        if source in self.broken:
            raise SourceError(f"The {source} are away.")

    def environment(self) -> Environment:
        clock, absent = _Clock(self), Absent("none")
        return Environment(
            EnvironmentRef.parse("fake:one"), self, self, self, self, self, self, absent, clock
        )

    def incident(self) -> Incident:
        return Incident(
            id=IncidentId("INC-0007"),
            environment=EnvironmentRef.parse("fake:one"),
            title=f"{self.alerting} alerts",
            subject=Target(environment=EnvironmentRef.parse("fake:one"), name=self.alerting),
            alert_names=(self.alert,),
            summary=f"{self.alert} at {self.alerting}",
            severity=Severity.SEV3,
            started_at=BEGAN + timedelta(seconds=60),
            opened_at=min(self.now, BEGAN + timedelta(seconds=90)),
        )

    def briefing(self, past: tuple[PastIncident, ...] = (), **more: object) -> Briefing:
        memory = Remembered(list(past))
        given = {"incident": self.incident(), "menu": MENU, "memory": memory, **more}
        return Briefing(environment=self.environment(), now=self.now, **given)  # type: ignore[arg-type]  # test


@dataclass(frozen=True)
class _Clock:
    world: World

    def now(self) -> datetime:
        return self.world.now

    async def wait_until(self, at: datetime) -> None:
        await self.world.wait_until(at)
