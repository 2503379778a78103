"""The outcome table counts what the service did."""

from collections.abc import Mapping

from aiops_agent.domain.incident import Incident, Status
from aiops_agent.evaluation.outcomes import measure, rendered
from tests.evaluation.test_endings import incident


async def dismiss_all(scenario: str, seed: int, names: Mapping[str, str] | None = None) -> Incident:
    """A service that dismisses everything."""
    return incident(Status.DISMISSED)


async def test_a_service_that_dismisses_everything_is_right_about_false_alarms_only() -> None:
    results = await measure(dismiss_all, ["false-alarm", "slow-query"], [1, 2])

    assert [result.right for result in results] == [True, True, False, False]


async def test_the_table_names_every_wrong_ending_with_its_seed() -> None:
    text = rendered(await measure(dismiss_all, ["false-alarm", "slow-query"], [1, 2]))

    assert "| false-alarm | 2/2 | 2/2 |" in text
    assert "| all | 2/4 |" in text
    assert "- slow-query, seed 2: not rolled back: it is dismissed" in text
