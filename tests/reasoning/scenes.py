"""Scenes built from courses, without a port or a clock: what a diagnosis is worked out from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from aiops_agent.domain.diagnosis import CauseKind, Trigger
from aiops_agent.domain.telemetry import (
    Change,
    ChangeKind,
    LogLine,
    Service,
    ServiceGraph,
    ServiceKind,
    ServiceName,
    Signal,
    Workload,
)
from aiops_agent.reasoning.exhibit import hypothesis
from aiops_agent.reasoning.gather import Key, Scene, compare, earlier_trouble, find_start
from aiops_agent.reasoning.instances import standing
from aiops_agent.reasoning.measure import Track
from aiops_agent.reasoning.rank import Ranked, rank
from aiops_agent.reasoning.suspect import Investigation, study

BEGAN = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
CHAIN = (("front", "api"), ("api", "store"), ("front", "side"), ("side", "store"))
Course = Callable[[float], float | None]  # seconds since BEGAN -> value
CALM = {Signal.LATENCY: 0.1, Signal.ERRORS: 0.001, Signal.TRAFFIC: 40.0, Signal.SATURATION: 0.3}


@dataclass
class Story:
    """Services that are well but for `courses`; `unseen` are signals that nobody measures."""

    calls: tuple[tuple[str, str], ...]
    alerting: str
    courses: dict[tuple[str, Signal], Course] = field(default_factory=dict)
    kinds: dict[str, ServiceKind] = field(default_factory=dict)
    unseen: tuple[Signal, ...] = ()
    changes: tuple[Change, ...] = (
        Change(
            at=BEGAN - timedelta(hours=9),
            service=ServiceName("elsewhere"),
            kind=ChangeKind.RELEASE,
            title="Release 2",
            before="1",
            after="2",
            source="test",
        ),
    )
    logs: tuple[LogLine, ...] = ()
    instances: tuple[Workload, ...] = ()
    graphless: bool = False
    history: float = 2700.0  # seconds: the usual half an hour and a quarter more
    lasted: float = 240.0
    step: float = 15.0

    def __post_init__(self) -> None:
        """Name everybody once."""
        self.names = tuple(dict.fromkeys(name for call in self.calls for name in call))

    def move(self, service: str, **signals: tuple[float, float]) -> "Story":
        """Let signals of a service jump when it begins."""
        return self.move_later(service, 0.0, **signals)

    def move_later(self, service: str, at: float, **signals: tuple[float, float]) -> "Story":
        """Let signals of a service jump so many seconds after it began."""
        for name, (before, after) in signals.items():
            self.courses[service, Signal(name)] = jump(before, after, at)
        return self

    def change(
        self, service: str, kind: ChangeKind, seconds: float, **settings: tuple[str, str]
    ) -> "Story":
        """Put a change on the books, so many seconds after it began."""
        made = Change(
            at=BEGAN + timedelta(seconds=seconds),
            service=ServiceName(service),
            kind=kind,
            title=f"{kind} of {service}",
            before="1.4",
            after="1.5",
            source="test",
            settings=settings,
        )
        self.changes = (*self.changes, made)
        return self

    def say(self, service: str, text: str) -> "Story":
        """Let a service write a line again and again since it began."""
        at = (BEGAN + timedelta(seconds=s) for s in range(5, int(self.lasted), 10))
        lines = (LogLine(at=a, service=ServiceName(service), level="error", text=text) for a in at)
        self.logs = (*self.logs, *lines)
        return self

    @property
    def scene(self) -> Scene:
        """What would have been read of it."""
        tracks = dict(self._tracks())
        suspected = BEGAN.timestamp() + 60.0
        found = find_start(tracks, self.alerting, suspected)
        began = suspected if found is None else found
        ended = earlier_trouble(tracks, self.alerting, began)
        now = BEGAN + timedelta(seconds=self.lasted)
        services = tuple(
            Service(name=ServiceName(name), kind=self.kinds.get(name, ServiceKind.APPLICATION))
            for name in self.names
        )
        calls = () if self.graphless else self.calls
        pairs = tuple((ServiceName(a), ServiceName(b)) for a, b in calls)
        counted = (standing(ServiceName(name), self.instances, now) for name in self.names)
        before = BEGAN - timedelta(minutes=5)
        usual = LogLine(at=before, service=ServiceName("elsewhere"), level="", text="ready")
        return Scene(
            service=ServiceName(self.alerting),
            now=now.timestamp(),
            began=began,
            tracks=tracks,
            shifts=compare(tracks, began, now.timestamp(), ended),
            ended=ended,
            graph=ServiceGraph(services=services, calls=pairs),
            changes=tuple(sorted(self.changes, key=lambda one: one.at)),
            logs_before=(usual,),
            logs_after=self.logs,
            missing=(("topology", "who calls whom is not known here"),) if self.graphless else (),
            standings=tuple(one for one in counted if one is not None),
        )

    def _tracks(self) -> Sequence[tuple[Key, Track]]:
        at = np.arange(-self.history, self.lasted, self.step)
        dice = np.random.default_rng(7)
        made = []
        for name in self.names:
            for signal in Signal:
                level = CALM.get(signal)
                course = self.courses.get((name, signal))
                if signal in self.unseen or (course is None and level is None):
                    continue
                noise = 1.0 + 0.03 * dice.standard_normal(len(at))
                seen = [level if course is None else course(t) for t in at.tolist()]
                kept = np.array([one is not None for one in seen])
                values = np.array([one or 0.0 for one in seen]) * noise
                if kept.any():
                    track = Track(
                        ServiceName(name),
                        signal,
                        BEGAN.timestamp() + at[kept],
                        values[kept],
                        "test",
                        f"{signal} of {name}",
                    )
                    made.append(((name, signal), track))
        return made

    @property
    def case(self) -> Investigation:
        """What is known of it."""
        return study(self.scene)

    @property
    def ranking(self) -> tuple[Ranked, ...]:
        """Its causes, the likeliest first."""
        return rank(self.case, frozenset())

    @property
    def trigger(self) -> Trigger:
        """What set its likeliest cause off."""
        return hypothesis(self.case, self.ranking[0], {}).trigger


def jump(before: float, after: float | None, at: float = 0.0) -> Course:
    """Return a course that jumps; None is no data."""
    return lambda t: before if t < at else after


def episodes(usual: float, peak: float, *when: tuple[float, float]) -> Course:
    """Return a course that is at its peak between moments, and as usual else."""
    return lambda t: peak if any(start <= t < end for start, end in when) else usual


def story(**given: object) -> Story:
    """Return a shop of four: a front, two behind it, and the store that both ask."""
    kinds = {"store": ServiceKind.DATABASE}
    return Story(CHAIN, "front", kinds=kinds, **given)  # type: ignore[arg-type]  # the fields' own


def first(told: Story) -> tuple[CauseKind, str]:
    """Return the likeliest cause and where it is."""
    best = told.ranking[0].suspicion
    return best.kind, str(best.service)


def two(told: Story) -> list[str]:
    """Return the services of the first two causes."""
    return list(dict.fromkeys(str(one.suspicion.service) for one in told.ranking))[:2]
