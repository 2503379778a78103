"""Each service now beside its usual: the worst first, bounded, and never well when unseen."""

from collections.abc import Sequence

from aiops_agent.domain.service_status import EnvironmentNow
from aiops_agent.domain.telemetry import (
    Objective,
    Series,
    Service,
    ServiceName,
    Signal,
    Window,
)
from aiops_agent.readonly.status import MOST_SERVICES, read_status
from aiops_agent.reasoning.harm import USUAL
from tests.reasoning.world import Course, World, step

QUIET: dict[Signal, Course] = {
    Signal.TRAFFIC: step(100.0, 100.0),
    Signal.LATENCY: step(0.1, 0.1),
    Signal.ERRORS: step(0.001, 0.001),
    Signal.SATURATION: step(0.4, 0.4),
}


def a_world(*names: str, **services: dict[Signal, Course]) -> World:
    """Return services that are well, but for the courses that are given."""
    known = [*names, *services]
    courses = {
        (name, signal): course
        for name in known
        for signal, course in {**QUIET, **services.get(name, {})}.items()
    }
    promised = Objective(latency=0.3, errors=0.02)
    listed = tuple(Service(name=ServiceName(name), objective=promised) for name in known)
    return World(courses=courses, services=listed)


async def status(world: World) -> EnvironmentNow:
    return await read_status(world.environment(), USUAL)


async def test_the_worst_service_comes_first_with_what_deviates() -> None:
    found = await status(
        a_world(
            "calm",
            busy={Signal.TRAFFIC: step(100.0, 300.0)},
            failing={Signal.ERRORS: step(0.001, 0.3)},
            slow={Signal.LATENCY: step(0.1, 1.0)},
        )
    )

    assert [one.service for one in found.services] == ["failing", "slow", "busy", "calm"]
    assert found.services[0].deviations == ("errors above the objective of 2%",)
    assert found.services[1].deviations == ("p95 above the objective of 300 ms",)
    [told] = found.services[2].deviations
    assert told.startswith(("requests 3", "requests 2.9"))
    assert found.services[3].deviations == ()


async def test_now_stands_beside_the_usual() -> None:
    found = await status(a_world(slow={Signal.LATENCY: step(0.1, 1.0)}))

    seen = found.services[0].signal(Signal.LATENCY)
    assert seen.now is not None
    assert seen.usual is not None
    assert 0.9 < seen.now < 1.1
    assert 0.09 < seen.usual < 0.11


async def test_a_lost_replica_and_silence_deviate() -> None:
    found = await status(
        a_world(
            lost={Signal.REPLICAS: lambda t: 3.0 if t < 0 else 2.0},
            silent={Signal.TRAFFIC: lambda t: 100.0 if t < 0 else 0.0},
        )
    )

    told = {one.service: one.deviations for one in found.services}
    assert told[ServiceName("lost")] == ("2 of 3 replicas are up",)
    assert told[ServiceName("silent")] == ("no requests",)


async def test_what_is_no_longer_seen_is_not_shown_as_a_number() -> None:
    found = await status(a_world(gone={Signal.LATENCY: lambda t: 0.1 if t < -600 else None}))

    assert found.services[0].signal(Signal.LATENCY).now is None


async def test_metrics_that_are_away_are_named() -> None:
    world = a_world("calm")
    world.broken = {"metrics"}

    found = await status(world)

    assert (found.services, found.missing) == ((), ("The metrics are away.",))


async def test_so_many_services_are_read_and_the_rest_is_counted() -> None:
    world = World(
        services=tuple(Service(name=ServiceName(f"s{n:04}")) for n in range(MOST_SERVICES + 7))
    )
    asked: list[int] = []
    read = world.read

    async def noting(
        services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        asked.append(len(services))
        return await read(services, signals, window)

    world.read = noting  # type: ignore[method-assign]  # notes what is asked
    found = await status(world)

    assert max(asked) == MOST_SERVICES
    assert (len(found.services), found.left_out) == (MOST_SERVICES, 7)
