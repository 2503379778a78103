"""Whether a fix works is decided by the world alone: no agent takes part in these trials."""

import pytest

from aiops_agent.domain.telemetry import Signal
from aiops_agent.simulator.shop import BY_NAME
from tests.simulator.lab import SEEDS, USERS, trial

QUICK = 2  # seeds that every run of the tests takes
pytestmark = pytest.mark.parametrize(
    "seed", [*SEEDS[:QUICK], *(pytest.param(s, marks=pytest.mark.slow) for s in SEEDS[QUICK:])]
)


@pytest.mark.parametrize("scenario", ["traffic-surge", "busy-corner"])
def test_scaling_ends_a_surge(scenario: str, seed: int) -> None:
    assert trial(scenario, seed).scale(2).broken() == []


def test_a_restart_makes_a_surge_worse_and_does_not_end_it(seed: int) -> None:
    case = trial("traffic-surge", seed)
    before = case.level(case.service, Signal.ERRORS, 1)

    case.restart()

    during = max(case.recent(case.service, Signal.ERRORS, 4))
    assert during > 1.2 * before
    assert not case.kept(case.service)


@pytest.mark.parametrize("scenario", ["hung-process", "friday-freeze"])
def test_a_restart_frees_a_hung_process(scenario: str, seed: int) -> None:
    assert trial(scenario, seed).restart().broken() == []


def test_scaling_does_not_free_a_hung_process(seed: int) -> None:
    case = trial("hung-process", seed).scale(3)

    assert not case.kept(case.service)


def test_a_hung_process_is_idle_while_requests_arrive(seed: int) -> None:
    case = trial("hung-process", seed)
    quiet = case.history.tracks[case.service, Signal.SATURATION][100:200]

    assert case.level(case.service, Signal.SATURATION, 1) < 0.75 * min(v for v in quiet if v)
    assert case.level(case.service, Signal.TRAFFIC, 1) > 0


def test_the_release_before_ends_a_slow_release(seed: int) -> None:
    assert trial("slow-release", seed).rollback().broken() == []


def test_a_restart_does_not_end_a_slow_release(seed: int) -> None:
    case = trial("slow-release", seed).restart()

    assert not case.kept(case.service)


def test_a_restart_eases_a_leak_but_memory_fills_again(seed: int) -> None:
    case = trial("memory-leak", seed)
    full = case.level(case.service, Signal.MEMORY, 1)

    assert case.restart().broken() == []

    eased = case.level(case.service, Signal.MEMORY, 1)
    assert full > 0.8
    assert eased < 0.6
    assert case.wait(15).level(case.service, Signal.MEMORY, 1) > eased + 0.1


def test_a_rollback_ends_a_leak_that_a_release_began(seed: int) -> None:
    case = trial("memory-leak", seed)
    if not case.fault.release:
        pytest.skip("this seed's leak began without a release")

    case.rollback()

    assert case.broken() == []
    before = case.level(case.service, Signal.MEMORY, 1)
    assert case.wait(15).level(case.service, Signal.MEMORY, 1) == pytest.approx(before, abs=0.02)


def test_the_old_pool_size_ends_a_pool_cut(seed: int) -> None:
    assert trial("pool-cut", seed).rollback().broken() == []
    assert trial("pool-cut", seed).configure().broken() == []


@pytest.mark.parametrize("cure", ["restart", "scale"])
def test_the_database_is_not_the_cure_of_a_pool_cut(cure: str, seed: int) -> None:
    case = trial("pool-cut", seed)
    database = case.world.nodes[case.service].database

    assert case.level(database, Signal.SATURATION) < 0.75
    case.restart(database) if cure == "restart" else case.scale(3, database)
    assert not case.kept(case.service)


def test_the_callers_old_release_ends_a_slow_query(seed: int) -> None:
    assert trial("slow-query", seed).rollback().broken() == []


@pytest.mark.parametrize("cure", ["scale the caller", "scale the database", "restart it"])
def test_nothing_but_the_old_release_ends_a_slow_query(cure: str, seed: int) -> None:
    case = trial("slow-query", seed)
    database = case.world.nodes[case.service].database

    case.scale(2, case.service if "caller" in cure else database) if "scale" in cure else None
    case.restart(database) if cure == "restart it" else None

    assert not case.kept(case.service)


@pytest.mark.parametrize("service", ["payments-api", "orders", "payments-db"])
def test_nothing_in_the_shop_ends_the_outage_of_a_third_party(service: str, seed: int) -> None:
    restarted = trial("third-party-outage", seed).restart(service)
    scaled = trial("third-party-outage", seed).scale(2, service)

    assert "payments-api" in restarted.broken()
    assert "payments-api" in scaled.broken()
    assert "payments-api" in trial("third-party-outage", seed).wait(30).broken()


def test_a_cold_cache_heals_itself_in_four_to_eight_minutes(seed: int) -> None:
    case = trial("cache-flush", seed)
    while case.broken() and case.world.now < 9000:
        case.wait(0.25)

    well = case.world.now - 120 - case.fault.at  # good since two minutes
    assert 180 <= well <= 480
    assert case.wait(5).broken() == []


def test_a_false_alarm_finds_nothing_wrong(seed: int) -> None:
    case = trial("false-alarm", seed)

    assert case.broken() == []
    for name in USERS:
        assert case.level(name, Signal.LATENCY) < 0.75 * (BY_NAME[name].objective.latency or 0)
