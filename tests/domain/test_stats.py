"""Sums over incidents say what their events and calls say, and no more."""

from datetime import UTC, datetime

import pytest

from aiops_agent.domain.stats import spread, stats_of
from aiops_agent.domain.timing import by_agent, usage_of_calls
from tests.interfaces.terminal.canned import CALLS, EVENTS


def test_an_incident_counts_by_its_ending_or_as_open() -> None:
    found = stats_of([(EVENTS, ()), (EVENTS, ()), (EVENTS[:5], ())])

    assert found.endings == {"fixed": 2, "open": 1}
    assert found.incidents == 3


def test_times_are_those_of_the_events() -> None:
    found = stats_of([(EVENTS, CALLS)])

    assert found.to_plan
    assert found.to_plan.median == pytest.approx(0.7)
    assert found.to_answer
    assert found.to_answer.median == 22.0
    assert found.to_end
    assert found.to_end.median == 131.0


def test_calls_are_counted_where_they_left_also_failed_ones() -> None:
    found = stats_of([(EVENTS, CALLS)], datetime(2026, 1, 1, tzinfo=UTC))
    agents = {share.name: share for share in found.agents}
    models = {share.name: share for share in found.models}

    assert found.usage == usage_of_calls(CALLS)
    assert agents["diagnose"].usage.requests == agents["plan"].usage.requests == 2
    assert (agents["diagnose"].failed, agents["plan"].failed) == (0, 1)
    assert agents["diagnose"].seconds == pytest.approx(0.3)
    assert models["gemini:gemini-3.5-flash-lite"].usage.requests == 3
    assert models["gemini:gemini-3.8-flash"].seconds == pytest.approx(0.05)
    assert sum(share.usage.requests for share in found.models) == len(CALLS)


def test_one_unknown_price_makes_a_sum_unknown() -> None:
    unpriced = CALLS[0].model_copy(
        update={"usage": CALLS[0].usage.model_copy(update={"cost": None})}
    )

    assert stats_of([(EVENTS, (unpriced, *CALLS))]).usage.cost is None


def test_nothing_is_nothing() -> None:
    found = stats_of([])

    assert (found.incidents, found.to_end, found.models) == (0, None, ())


@pytest.mark.parametrize(
    ("lengths", "median", "p90"),
    [([3.0], 3.0, 3.0), ([2.0, 1.0], 1.0, 2.0), ([float(n) for n in range(1, 11)], 5.0, 9.0)],
)
def test_a_spread_is_of_values_that_were_measured(
    lengths: list[float], median: float, p90: float
) -> None:
    found = spread(lengths)

    assert found is not None
    assert (found.count, found.median, found.p90) == (len(lengths), median, p90)


def test_an_agent_that_only_failed_is_shown_with_its_calls() -> None:
    only = CALLS[0].model_copy(update={"agent": "critique"})
    usage = {spent.name: spent.usage for spent in by_agent(EVENTS[:3], [only])}

    assert usage["critique"].requests == 1
