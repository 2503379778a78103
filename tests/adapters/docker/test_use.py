"""CPU and memory of containers are series where nothing else measures them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from aiops_agent.adapters.docker.use import MOST, DockerUse, UseLog
from aiops_agent.adapters.docker.workloads import DockerWorkloads
from aiops_agent.adapters.joined import JoinedMetrics
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import Series, ServiceName, Signal, Window, Workload
from tests.workflow.place import HandClock

from .fake_engine import NOW, FakeEngine

PAY = ServiceName("pay")
BOTH = (Signal.SATURATION, Signal.MEMORY)
WINDOW = Window(start=NOW - timedelta(hours=1), end=NOW + timedelta(hours=1))


def uses(engine: FakeEngine, cores: float, memory: int) -> None:
    """Let each container of the service use so much from now on."""
    for one in engine.running("pay"):
        now = {"cpu_usage": {"total_usage": int(cores * 1e9)}, "online_cpus": 4}
        engine.stats[one["Id"]] = {
            "cpu_stats": now | {"system_cpu_usage": int(4e9) + 1},
            "precpu_stats": {"cpu_usage": {"total_usage": 0}, "system_cpu_usage": 1},
            "memory_stats": {"usage": memory},
        }


@pytest.fixture
def engine() -> FakeEngine:
    """Two containers that may use half a core and 128 MiB each."""
    made = FakeEngine()
    for number in (1, 2):
        made.add("pay", number)["HostConfig"]["NanoCpus"] = int(0.5e9)
    return made


def use_of(engine: FakeEngine, clock: HandClock) -> DockerUse:
    log = UseLog()
    return DockerUse(log, DockerWorkloads(engine.all, clock, log), clock)


async def test_use_is_a_share_of_the_limits_over_time(engine: FakeEngine) -> None:
    clock = HandClock(NOW)
    use = use_of(engine, clock)
    uses(engine, 0.05, 2**25)
    await use.read([PAY], BOTH, WINDOW)
    clock.go(minutes=1)
    uses(engine, 0.45, 2**26)
    found = {one.signal: one for one in await use.read([PAY], BOTH, WINDOW)}
    assert found[Signal.SATURATION].values == pytest.approx((0.1, 0.9))
    assert found[Signal.MEMORY].values == (0.25, 0.5)
    assert found[Signal.MEMORY].times == (NOW, NOW + timedelta(minutes=1))


async def test_the_engine_is_not_asked_twice_within_seconds(engine: FakeEngine) -> None:
    clock = HandClock(NOW)
    use = use_of(engine, clock)
    uses(engine, 0.1, 2**25)
    for _ in range(9):
        assert [len(one.values) for one in await use.read([PAY], BOTH, WINDOW)] == [1, 1]
        clock.go(seconds=1)


async def test_without_a_limit_there_is_no_share(engine: FakeEngine) -> None:
    uses(engine, 0.1, 2**25)
    engine.running("pay")[1]["HostConfig"] |= {"NanoCpus": 0, "Memory": 0}
    assert await use_of(engine, HandClock(NOW)).read([PAY], BOTH, WINDOW) == ()


async def test_other_signals_are_not_its_own(engine: FakeEngine) -> None:
    uses(engine, 0.1, 2**25)
    assert await use_of(engine, HandClock(NOW)).read([PAY], [Signal.LATENCY], WINDOW) == ()


def test_a_log_is_bounded() -> None:
    log = UseLog()
    one = Workload(service=PAY, name="p", state="running", memory_used=1, memory_limit=2)
    for minute in range(MOST + 9):
        log.note(NOW + timedelta(minutes=minute), [one])
    assert len(log.samples[PAY, Signal.MEMORY]) == MOST


@dataclass
class Told:
    """A source of metrics that knows one value of some signals."""

    known: dict[Signal, float]
    trouble: SourceError | None = None
    asked: list[tuple[ServiceName, ...]] = field(default_factory=list)

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        self.asked.append(tuple(services))
        if self.trouble:
            raise self.trouble
        return tuple(
            Series(
                service=PAY,
                signal=one,
                times=(NOW,),
                values=(self.known[one],),
                source="t",
                query="q",
            )
            for one in signals
            if one in self.known
        )


async def test_what_is_measured_already_is_not_told_by_others() -> None:
    first, other = Told({Signal.MEMORY: 0.1}), Told({Signal.MEMORY: 0.9, Signal.SATURATION: 0.8})
    found = await JoinedMetrics(first, [other]).read([PAY], BOTH, WINDOW)
    assert {one.signal: one.values[0] for one in found} == {
        Signal.MEMORY: 0.1,
        Signal.SATURATION: 0.8,
    }
    await JoinedMetrics(other, [first]).read([PAY], BOTH, WINDOW)
    assert len(first.asked) == 1, "nothing was missing"


async def test_trouble_of_those_beside_is_no_trouble_and_that_of_the_first_is() -> None:
    away = SourceError("away")
    well, ill = Told({Signal.MEMORY: 0.1}), Told({}, away)
    assert len(await JoinedMetrics(well, [ill]).read([PAY], BOTH, WINDOW)) == 1
    with pytest.raises(SourceError):
        await JoinedMetrics(ill, [well]).read([PAY], BOTH, WINDOW)


async def test_between_two_ends_of_a_crash_loop_the_last_exit_code_is_known(
    engine: FakeEngine,
) -> None:
    crashing, whole = engine.running("pay")
    crashing["RestartCount"] = 3
    for code in ("1", "7"):
        engine.now += timedelta(seconds=10)
        engine.tell("die", crashing["Id"], **{"com.docker.compose.project": "shop"}, exitCode=code)
    engine.tell("die", whole["Id"], **{"com.docker.compose.project": "shop"}, exitCode="9")

    clock = HandClock(engine.now)
    told = await DockerWorkloads(engine.all, clock).workloads([PAY])

    ends = {one.name: one.exit_code for one in told}  # one restarted by a person ended by no fault
    assert ends == {crashing["Name"].removeprefix("/"): 7, whole["Name"].removeprefix("/"): None}
