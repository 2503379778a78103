"""The shape of an incident: by role in the graph, so that it is the same under other names."""

from datetime import timedelta

from aiops_agent.domain.signature import MoveSize, Onset, Role, Signature, role_of
from aiops_agent.domain.telemetry import (
    LogLine,
    Service,
    ServiceGraph,
    ServiceName,
    Signal,
)
from aiops_agent.reasoning.gather import read_scene
from aiops_agent.reasoning.signature import signature_of
from tests.reasoning.world import BEGAN, World, ramp, step


def world(front: str, api: str, db: str) -> World:
    """Return a world in which the database fills up and whoever calls it is slow."""
    line = f"call to {db} timed out after 300 ms"
    return World(
        courses={
            (front, Signal.LATENCY): step(0.1, 0.9),
            (api, Signal.LATENCY): step(0.05, 0.8),
            (api, Signal.TRAFFIC): step(40, 41),
            (db, Signal.MEMORY): ramp(0.4, 0.95, -600, 180),
        },
        services=tuple(Service(name=ServiceName(one)) for one in (front, api, db)),
        calls=((front, api), (api, db)),
        log=tuple(
            LogLine(at=BEGAN + timedelta(seconds=10 * n), service=ServiceName(api), level="error",
                    text=line)
            for n in range(10)
        ),
        alerting=api,
    )  # fmt: skip


async def shape(made: World, blamed: str) -> Signature:
    briefing = made.briefing()
    scene = await read_scene(
        briefing.environment, briefing.incident, briefing.pace.baseline, briefing.now
    )
    return signature_of(scene, blamed)


async def test_the_shape_is_told_by_roles_and_is_the_same_under_other_names() -> None:
    seen = await shape(world("web", "api", "db"), "db")

    assert seen == await shape(world("kiosk", "billing", "ledger"), "ledger")
    assert seen.blamed is Role.CALLEE
    moved = {(one.role, one.signal): one for one in seen.moves}
    assert set(moved) == {
        (Role.CALLER, Signal.LATENCY),
        (Role.SUBJECT, Signal.LATENCY),
        (Role.CALLEE, Signal.MEMORY),
    }
    assert moved[Role.SUBJECT, Signal.LATENCY].onset is Onset.JUMP
    assert moved[Role.SUBJECT, Signal.LATENCY].size is MoveSize.FAR
    assert moved[Role.CALLEE, Signal.MEMORY].onset is Onset.GROWTH
    assert [one.template for one in seen.lines] == ["call to <service> timed out after <n> ms"]


def test_a_role_is_seen_from_the_subject() -> None:
    calls = (("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("x", "e"))
    graph = ServiceGraph(
        services=(), calls=tuple((ServiceName(one), ServiceName(other)) for one, other in calls)
    )
    roles = {name: role_of(graph, "c", name).value for name in "abcdex"}
    assert roles == {
        "a": "upstream",
        "b": "caller",
        "c": "subject",
        "d": "callee",
        "e": "downstream",
        "x": "beside",
    }
