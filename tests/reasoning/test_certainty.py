"""A confidence says why: what raised it, what lowered it, what would settle it."""

from datetime import timedelta

from aiops_agent.agents.diagnose import diagnose
from aiops_agent.domain.diagnosis import Certainty, Confidence, Diagnosis
from aiops_agent.domain.telemetry import (
    Change,
    ChangeKind,
    LogLine,
    Service,
    ServiceKind,
    ServiceName,
    Signal,
)
from tests.reasoning.world import BEGAN, World, step

ORDERS, STORE = ServiceName("orders"), ServiceName("orders-db")


def a_world(*unseen: Signal) -> World:
    courses = {
        ("orders", Signal.TRAFFIC): step(100.0, 300.0),
        ("orders", Signal.SATURATION): step(0.4, 0.99),
        ("orders", Signal.LATENCY): step(0.1, 2.0),
        ("orders", Signal.ERRORS): step(0.001, 0.001),
        ("orders", Signal.MEMORY): step(0.4, 0.4),
        ("orders-db", Signal.LATENCY): step(0.01, 0.01),
    }
    seen = {key: course for key, course in courses.items() if key[1] not in unseen}
    services = (Service(name=ORDERS), Service(name=STORE, kind=ServiceKind.DATABASE))
    return World(
        courses=seen, services=services, calls=(("orders", "orders-db"),), alerting="orders"
    )


def line(at: float) -> LogLine:
    return LogLine(at=BEGAN + timedelta(seconds=at), service=ORDERS, level="info", text="served")


def change(at: float) -> Change:
    return Change(
        at=BEGAN + timedelta(seconds=at),
        service=STORE,
        kind=ChangeKind.CONFIG,
        title="something",
        source="test",
    )


async def found(world: World) -> tuple[Diagnosis, Certainty]:
    diagnosis = await diagnose(world.briefing())
    return diagnosis, diagnosis.certainty


async def test_what_held_raised_it_with_the_findings_that_show_it() -> None:
    diagnosis, why = await found(a_world())

    assert why.raised[0].startswith("orders gets more requests than before (E")
    ids = {one.id for one in diagnosis.findings}
    named = {part.strip("(),") for one in why.raised for part in one.split() if "(E" in part}
    assert named <= ids


async def test_a_signal_that_is_missing_lowered_it_and_would_settle_it() -> None:
    whole, _ = await found(a_world())
    blind, why = await found(a_world(Signal.SATURATION))

    assert blind.confidence is not Confidence.HIGH or whole.confidence is Confidence.HIGH
    assert "the saturation of orders is not seen" in why.lowered
    assert why.settle[0] == "a saturation metric for orders"


async def test_a_source_that_is_away_would_settle_it() -> None:
    world = a_world()
    world.broken = {"topology", "changes"}

    _, why = await found(world)

    assert "whether orders was released or reconfigured" in why.settle
    assert any("who calls whom" in one for one in why.settle)


async def test_a_close_runner_up_is_named_with_both_scores() -> None:
    world = a_world(Signal.SATURATION, Signal.MEMORY)
    world.courses["orders", Signal.TRAFFIC] = step(100.0, 118.0)

    diagnosis, why = await found(world)

    first, *others = diagnosis.hypotheses
    close = first.score - max(one.score for one in others) < 0.15
    assert close == any("close runner-up" in one for one in why.lowered)
    assert close != any("clear lead" in one for one in why.raised)


async def test_an_unknown_cause_is_raised_by_nothing() -> None:
    world = a_world()
    world.courses = {("orders", Signal.ERRORS): step(0.001, 0.0012)}

    diagnosis, why = await found(world)

    assert diagnosis.confidence is Confidence.LOW
    assert why.raised == ()
    assert why.lowered[0] == "no known mechanism fits what is seen"
    assert "a latency metric for orders" in why.settle


async def test_what_is_all_seen_and_clear_needs_nothing_to_settle_it() -> None:
    world = a_world()
    world.log = (line(-300.0), line(60.0))
    world.book = (change(-40_000.0),)

    diagnosis, why = await found(world)

    assert diagnosis.confidence is Confidence.HIGH
    assert (why.lowered, why.settle) == ((), ())
    assert [name for name, _ in why.rows] == ["raised by"]
