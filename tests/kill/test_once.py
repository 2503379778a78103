"""A call that costs is made once, wherever the process of its agent dies."""

import pytest

from aiops_agent.bootstrap.application import application
from aiops_agent.domain.payload import EventType
from tests.kill.job import PAID, Job
from tests.kill.paid import AFTER, DURING, calls
from tests.kill.run import Ended, run_all


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> list[Ended]:
    """Three runs: killed after the call, during it, and after one that left no checkpoint."""
    folder = tmp_path_factory.mktemp("once")
    return run_all(
        [
            Job(str(folder / "after"), PAID, [AFTER]),
            Job(str(folder / "during"), PAID, [DURING]),
            Job(str(folder / "planted"), PAID, [AFTER], once="forgets"),
        ]
    )


def test_an_agent_that_dies_with_a_call_loses_nothing_else(ended: list[Ended]) -> None:
    assert [one.died for one in ended] == [[AFTER], [DURING], [AFTER]]
    assert [one.wrong for one in ended] == [[], [], []]


def test_a_finished_call_is_not_made_again(ended: list[Ended]) -> None:
    assert calls(ended[0].job) == 1


def test_the_price_of_a_finished_call_is_told(ended: list[Ended]) -> None:
    built = application(ended[0].job.settings())
    (planned,) = [e for e in built.queries.events() if e.type is EventType.PLAN_PROPOSED]
    built.close()

    assert planned.effort is not None
    assert planned.effort.usage.cost == 0.25


def test_only_the_call_in_flight_is_made_again(ended: list[Ended]) -> None:
    assert calls(ended[1].job) == 2


def test_calls_that_leave_no_checkpoint_are_caught(ended: list[Ended]) -> None:
    """A planted defect: what the meter is for."""
    assert calls(ended[2].job) == 2
