"""The world's other promises: names do not matter, calm stays calm, and it is quick."""

import time

import pytest

from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.telemetry import Signal
from aiops_agent.simulator.alarms import alarms
from aiops_agent.simulator.history import History
from aiops_agent.simulator.operate import operate
from aiops_agent.simulator.past import PAST, remembered
from aiops_agent.simulator.physics import Weather, World
from aiops_agent.simulator.shop import BY_NAME
from tests.simulator.conftest import Found
from tests.simulator.lab import USERS

RENAMED = {name: f"svc-{place}" for place, name in enumerate(BY_NAME)}


@pytest.mark.parametrize("scenario", ["traffic-surge", "pool-cut", "cache-flush"])
@pytest.mark.slow
async def test_a_renamed_shop_lives_the_same_life(scenario: str, found: Found) -> None:
    plain, renamed = found(scenario, 2), found(scenario, 2, RENAMED)

    assert renamed.environment.clock.now() == plain.environment.clock.now()
    assert [alert.labels["service"] for alert in renamed.alerts] == [
        RENAMED[alert.labels["service"]] for alert in plain.alerts
    ]
    graph = await renamed.environment.topology.graph()
    assert set(graph.names) == set(RENAMED.values())
    assert not set(BY_NAME) & set(graph.names)


@pytest.mark.parametrize("background", [0.85, 1.12])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_shop_that_nobody_breaks_raises_no_alarm(seed: int, background: float) -> None:
    world = World(seed, Weather(background=background), ())
    history = History(world, seed)

    world.advance(3 * 3600.0)

    assert alarms(history, world.now) == ()
    assert max(v for v in history.tracks["payments-api", Signal.SATURATION] if v) < 0.8


@pytest.mark.parametrize("service", [*USERS, "mail-worker"])
def test_a_restart_on_a_busy_but_well_day_raises_no_alarm(service: str) -> None:
    world = World(1, Weather(background=1.12, phase=21600.0), ())
    history = History(world, 1)
    world.advance(600.0)

    operate(world, ActionKind("restart_service"), service, {})
    world.advance(900.0)

    assert alarms(history, world.now) == ()


def test_an_hour_of_the_shop_takes_a_moment() -> None:
    world = World(1, Weather(), ())
    History(world, 1)
    began = time.process_time()

    world.advance(3600.0)

    assert time.process_time() - began < 5  # 0.08 s on a quiet core: only a blow-up is caught


def test_memory_holds_a_cure_in_january_and_a_restart_that_was_none() -> None:
    january, march, *_ = PAST

    assert (january.ended_at.month, january.tried[0].recovery) == (1, "recovered")
    assert january.tried[0].action.kind == "scale_pods"
    assert (march.tried[0].action.kind, march.tried[0].recovery) == (
        "restart_service",
        "not_recovered",
    )


def test_memory_follows_new_names() -> None:
    (first, *_) = remembered({"payments-api": "zahlung"})

    assert (first.service, first.tried[0].action.target.name) == ("zahlung", "zahlung")
    assert "payments-api" not in first.model_dump_json()
    assert remembered() == PAST
