"""What models add or spoil is measured by incidents; a crew that believes its model is caught."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aiops_agent.domain.telemetry import ServiceName, Signal, Window
from aiops_agent.evaluation.crew import CrewBenchmark, Pair, Voice, crew_goals, measure_crew
from aiops_agent.evaluation.degrade import Loss, degraded, losses
from aiops_agent.simulator.plug import create_shop

INCIDENT = Pair(
    scenario="hung-process",
    seed=1,
    voice=Voice.ENGINE,
    accuracy=0.0,
    named=True,
    exact=True,
    diagnosed=True,
    shown=True,
    model_right=False,
    disagreed=False,
    right=True,
    harmful=False,
)

PAYMENTS = ServiceName("payments-api")


def kept(*pairs: Pair) -> dict[str, bool]:
    """Return which goals are met, by their row; rows that promise nothing are left out."""
    return {one.row: one.met for one in crew_goals(pairs) if one.goal}


def many(count: int, **facts: object) -> list[Pair]:
    return [replace(INCIDENT, seed=seed, **facts) for seed in range(count)]  # type: ignore[arg-type]


@pytest.mark.slow
async def test_one_incident_is_run_in_every_mode() -> None:
    pairs = await measure_crew(CrewBenchmark(1), (7,), ("hung-process",))

    assert [pair.voice for pair in pairs[:5]] == [Voice.ENGINE, Voice.MODEL, *[Voice.BOTH] * 3]
    never, always = pairs[2], pairs[4]
    assert never.accuracy == 0.0
    assert not never.model_right
    assert never.disagreed
    assert always.model_right
    assert never.right is pairs[0].right


def test_a_crew_that_follows_a_wrong_model_misses_its_goals() -> None:
    engine = many(50)
    follows = many(50, voice=Voice.BOTH, right=False, harmful=True, disagreed=True)

    met = kept(*engine, *follows)

    assert not met["points of right remedies lost, model right 0%"]
    assert not met["harmful remedies more than the engine's, model right 0%"]


def test_a_crew_that_hides_disagreement_misses_its_goal() -> None:
    silent = many(50, voice=Voice.BOTH, disagreed=False)

    assert not kept(*many(50), *silent)["disagreement raised where one of the two is wrong"]


def test_a_crew_that_always_disagrees_misses_its_goal() -> None:
    loud = many(50, voice=Voice.BOTH, accuracy=1.0, model_right=True, disagreed=True)

    assert not kept(*many(50), *loud)["disagreement raised where both are right"]


def test_nothing_measured_is_no_goal_met() -> None:
    assert not any(kept().values())


@pytest.mark.parametrize("seed", range(20))
def test_losses_are_drawn_from_the_seed(seed: int) -> None:
    drawn = losses(seed)

    assert drawn == losses(seed)
    assert 3 <= len(drawn) <= 5
    assert set(drawn) <= set(Loss)


async def test_some_services_are_dark_but_never_the_one_that_alerts(tmp_path: Path) -> None:
    shop = create_shop(tmp_path / "shop", "traffic-surge", 1).environment
    names = tuple(one.name for one in (await shop.topology.graph()).services)
    now = shop.clock.now()
    window = Window(start=now - timedelta(minutes=5), end=now)
    dark: set[str] = set()
    for seed in range(8):
        seen = degraded(shop, (Loss.SERVICES,), seed, PAYMENTS)
        found = await seen.metrics.read(names, (Signal.LATENCY,), window)
        measured = {one.service for one in found}
        assert PAYMENTS in measured
        dark |= set(names) - measured
    assert len(dark) > len(names) // 2
