"""The real service on a broken shop, in a house of its own."""

import pytest

from aiops_agent.domain.incident import Status
from aiops_agent.evaluation.outcomes import accepted, case
from aiops_agent.evaluation.run import Runner
from aiops_agent.simulator.shop import BY_NAME

RENAMED = {name: f"unit-{place}" for place, name in enumerate(BY_NAME)}


@pytest.mark.slow
async def test_a_surge_is_scaled_away_with_and_without_memory() -> None:
    told = case("traffic-surge", 1)

    for remember in (True, False):
        incident = await Runner(remember=remember)("traffic-surge", 1)
        assert accepted(told, incident) == (True, "scaled")


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["pool-cut", "friday-freeze"])
async def test_a_renamed_shop_ends_the_same_way(scenario: str) -> None:
    told = case(scenario, 1, RENAMED)

    incident = await Runner()(scenario, 1, RENAMED)

    assert accepted(told, incident)[0]
    assert incident.service in RENAMED.values()


async def test_a_false_alarm_is_dismissed_and_nobody_is_asked() -> None:
    incident = await Runner()("false-alarm", 1)

    assert incident.status is Status.DISMISSED
    assert not any(attempt.approval for attempt in incident.attempts)
