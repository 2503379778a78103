"""Pain travels from callee to caller; what is left is a service's own."""

from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceName, Signal, Window
from aiops_agent.reasoning.gather import Key, Scene, compare
from aiops_agent.reasoning.measure import Track, track
from aiops_agent.reasoning.suspect import hurting, own_share, to_blame
from tests.reasoning.world import BEGAN, World, step

A, B, C = (ServiceName(name) for name in "abc")
NOW = BEGAN.timestamp() + 180


async def scene(
    latency: dict[str, tuple[float, float]], calls: tuple[tuple[str, str], ...]
) -> Scene:
    made = World(courses={(name, Signal.LATENCY): step(*given) for name, given in latency.items()})
    window = Window(start=BEGAN.replace(hour=2), end=made.now)
    series = await made.read((A, B, C), (Signal.LATENCY,), window)
    tracks: dict[Key, Track] = {
        (one.service, one.signal): seen for one in series if (seen := track(one))
    }
    graph = ServiceGraph(
        services=tuple(Service(name=name) for name in (A, B, C)),
        calls=tuple((ServiceName(x), ServiceName(y)) for x, y in calls),
    )
    began = BEGAN.timestamp()
    return Scene(A, NOW, began, tracks, compare(tracks, began, NOW), graph)


async def test_a_callers_pain_is_explained_by_its_callee() -> None:
    seen = await scene({"a": (0.1, 1.0), "b": (0.05, 0.9)}, (("a", "b"),))
    assert own_share(seen, "a") == 0.0
    assert own_share(seen, "b") == 1.0
    assert to_blame(seen, "a") == "b"


async def test_a_callee_that_is_well_explains_nothing() -> None:
    seen = await scene({"a": (0.1, 1.0), "b": (0.05, 0.05)}, (("a", "b"),))
    assert own_share(seen, "a") == 1.0
    assert to_blame(seen, "a") is None


async def test_a_callee_that_is_a_little_slower_explains_a_little() -> None:
    seen = await scene({"a": (0.1, 1.0), "b": (0.05, 0.15)}, (("a", "b"),))
    assert 0.6 < own_share(seen, "a") < 0.95


async def test_who_hurts_is_told_worst_first() -> None:
    seen = await scene({"a": (0.1, 0.5), "b": (0.1, 2.0), "c": (0.1, 0.1)}, ())
    assert hurting(seen) == ("b", "a")


async def test_what_is_not_downstream_of_the_alert_weighs_less() -> None:
    seen = await scene({"a": (0.1, 0.5)}, (("a", "b"), ("c", "a")))
    assert (seen.reach("a"), seen.reach("b"), seen.reach("c")) == (1.0, 1.0, 0.4)
