"""`kill -9` in an agent's run with a model: what was paid for is not paid twice.

Fifty deaths at drawn points: `make prove STAGE=kills`.
"""

from collections.abc import Callable

import pytest

from tests.kill.drawn import counted, job, judged
from tests.kill.reasoned import ANSWERED, BEFORE, CALLED, Counted, run_counted

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> list[Counted]:
    """A calm life, three deaths, and one whose answers leave no checkpoint."""
    folder = tmp_path_factory.mktemp("model")
    points = [f"{BEFORE}2", f"{ANSWERED}3", f"{CALLED}1"]
    lives = [job(folder), *(job(folder, one) for one in points)]
    return run_counted([*lives, job(folder, f"{BEFORE}3", once="forgets")])


@pytest.mark.slow
def test_a_process_that_dies_around_a_request_pays_for_the_one_in_flight_only(
    ended: list[Counted], record_property: Record
) -> None:
    [whole, *runs, _] = ended
    calm = whole.requests
    record_property("count", counted(runs, calm))
    assert calm >= 4
    assert [judged(run, calm) for run in (whole, *runs)] == [[]] * 4
    # In flight: made again. Answered and on record, or between call and tool: not.
    assert [run.requests - calm for run in runs] == [1, 0, 0]


@pytest.mark.slow
def test_answers_that_leave_no_checkpoint_are_paid_again_and_caught(ended: list[Counted]) -> None:
    """A planted defect: what the provider's count is for."""
    [whole, *_, forgetful] = ended
    assert any("requests" in flaw for flaw in judged(forgetful, whole.requests))
