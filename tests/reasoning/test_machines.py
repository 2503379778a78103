"""A machine that fails shows at all that runs on it, and at nobody else."""

from dataclasses import replace

import numpy as np
import pytest

from aiops_agent.reasoning.blame import blame
from aiops_agent.reasoning.machines import chance
from aiops_agent.reasoning.observations import Observations
from tests import seams
from tests.reasoning.systems import BROKEN_ROWS, ROWS, observed

MACHINES: dict[int, tuple[str, ...]] = {
    service: ("one" if service < 4 else "two",) for service in range(9)
}


def slowed(*services: int) -> Observations:
    """Return nine services on two machines, of which some need more CPU and answer late."""
    dice = np.random.default_rng(5)
    names = [(f"service-{s}", metric) for s in range(9) for metric in ("latency", "cpu")]
    values = 1.0 + 0.03 * dice.standard_normal((len(names), ROWS))
    for one in services:
        values[2 * one : 2 * one + 2, -BROKEN_ROWS:] *= 2.5
    return replace(observed(names, values), placement=MACHINES)


@pytest.mark.parametrize(
    ("services", "first"),
    [((0, 1, 2, 3), "one"), ((2,), "service-2"), ((4, 5, 6, 7, 8), "two")],
)
def test_what_shares_a_machine_and_fails_at_once_is_put_down_to_it(
    services: tuple[int, ...], first: str
) -> None:
    assert blame(slowed(*services)).blamed[0].service == first


@pytest.mark.parametrize("services", [(0, 1, 4, 5), (3, 4)])
def test_suspects_on_several_machines_are_no_machine(services: tuple[int, ...]) -> None:
    ranked = blame(slowed(*services)).blamed

    assert not {"one", "two"} & {one.service for one in ranked}


def test_planted_a_test_that_any_two_pass_blames_a_machine_by_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seams.SHARED_BY_CHANCE.plant(monkeypatch, 1.0)

    assert blame(slowed(0, 1, 4, 5)).blamed[0].service in ("one", "two")


def test_a_machine_that_is_measured_itself_is_named_once() -> None:
    seen = slowed(0, 1, 2, 3)
    placed: dict[int, tuple[str, ...]] = {s: ("service-8" if s < 4 else "two",) for s in range(9)}
    ranked = blame(replace(seen, placement=placed)).blamed

    assert [one.service for one in ranked].count("service-8") == 1
    assert ranked[0].service == "service-8"


def test_places_behind_machines_go_on() -> None:
    ranked = blame(slowed(0, 1, 2, 3)).blamed

    assert [one.place for one in ranked][:2] == [1, 2]


def test_fishers_exact_test() -> None:
    """Four of nine, all on a machine of four: one way among 126."""
    assert chance(9, 4, 4, 4) == pytest.approx(1 / 126)
