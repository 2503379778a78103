"""Whole incidents on the shop, by the real house on the real store, with no language model."""

import pytest

from aiops_agent.domain.incident import Incident
from aiops_agent.evaluation.outcomes import accepted, case
from aiops_agent.evaluation.run import Runner
from aiops_agent.simulator.scenarios import SCENARIOS

QUICK = ("traffic-surge", "slow-release", "third-party-outage", "false-alarm")
ROWS = [s if s in QUICK else pytest.param(s, marks=pytest.mark.slow) for s in SCENARIOS]


@pytest.mark.parametrize("scenario", ROWS)
async def test_a_scenario_ends_as_its_row_accepts(scenario: str) -> None:
    """Every row of the table, with a seed that no other test uses."""
    incident: Incident = await Runner()(scenario, 7)

    right, why = accepted(case(scenario, 7), incident)

    assert right, why
