"""The arithmetic of waiting."""

import pytest

from aiops_agent.simulator.queueing import attempts, beyond, crowding, station


def test_a_station_below_its_capacity_keeps_nobody_waiting() -> None:
    step = station(backlog=0, offered=80, capacity=100, patience=2, step=5)

    assert (step.passed, step.dropped, step.backlog, step.wait) == (80, 0, 0, 0)


def test_an_overloaded_station_carries_a_backlog_until_patience_ends() -> None:
    first = station(backlog=0, offered=120, capacity=100, patience=2, step=5)
    second = station(first.backlog, offered=120, capacity=100, patience=2, step=5)
    third = station(second.backlog, offered=120, capacity=100, patience=2, step=5)

    assert first.wait < second.wait == third.wait == 2
    assert third.passed == 100
    assert third.dropped > 0


def test_a_station_without_capacity_drops_everything() -> None:
    step = station(backlog=50, offered=10, capacity=0, patience=2, step=5)

    assert (step.passed, step.dropped, step.backlog) == (0, 1, 0)


def test_crowding_grows_without_bound_and_faster_the_nearer_to_full() -> None:
    waits = [crowding(load, 4) for load in (0.2, 0.5, 0.8, 0.95)]

    assert waits == sorted(waits)
    assert waits[3] - waits[2] > waits[2] - waits[1] > waits[1] - waits[0]
    assert crowding(0.8, 8) < crowding(0.8, 4)


def test_retries_multiply_the_calls() -> None:
    assert attempts(0.0, 3) == 1
    assert attempts(0.5, 2) == pytest.approx(1.75)
    assert attempts(1.0, 2) == 3


def test_one_in_twenty_is_slower_than_the_95th_percentile() -> None:
    assert beyond(1.0, 1.0) == pytest.approx(0.05, abs=0.001)
    assert beyond(1.0, 0.1) < 1e-9
