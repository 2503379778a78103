"""Which service is to blame depends on what was measured, and on nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aiops_agent.reasoning.belief import probability
from aiops_agent.reasoning.blame import BlameRanking, blame
from aiops_agent.reasoning.metric_kinds import kind_of
from aiops_agent.reasoning.observations import Floats, MetricKind
from tests.reasoning.systems import (
    BROKEN_ROWS,
    Extra,
    extended,
    observed,
    requests,
    system,
)

# Each example is a whole system, named by its seed: a few are enough, and nothing to shrink.
FEW = settings(max_examples=25, phases=(Phase.explicit, Phase.generate))
SEEDS = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from(MetricKind)
ODD = st.sampled_from((0.0, 1.0, -1.0, 1e-300, 1e300, float("nan"), float("inf"), -float("inf")))


def told(ranking: BlameRanking) -> dict[str, tuple[int, float]]:
    """Return place and score by service."""
    return {one.service: (one.place, one.score) for one in ranking.blamed}


@settings(max_examples=60)
@given(
    arrays.arrays(np.float64, (8, 30), elements=st.one_of(ODD, st.floats(0, 10))),
    arrays.arrays(np.float64, 30, elements=st.one_of(st.floats(-100, 100), ODD)),
    st.floats(-1e4, 1e4),
    st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 5)), max_size=8),
)
def test_no_input_raises_and_the_same_gives_the_same(
    values: Floats, at: Floats, began: float, calls: list[tuple[int, int]]
) -> None:
    names = [(f"s{i // 2}", ("latency", "cpu")[i % 2]) for i in range(8)]
    seen = observed(names, values, calls, "s0")
    seen = replace(seen, table=replace(seen.table, at=at), began=began)

    first = blame(seen)

    assert repr(first) == repr(blame(seen))
    assert 0.0 <= probability(first) <= 1.0


def test_without_evidence_it_says_so() -> None:
    seen, _ = system(1)
    quiet = np.ones_like(seen.table.values)
    for ranking in (
        blame(replace(seen, table=replace(seen.table, values=quiet))),
        blame(observed((), np.zeros((0, 0)))),
        blame(replace(seen, began=seen.began + 1e6)),
    ):
        assert not ranking.evident
        assert probability(ranking) == 0.0


def test_two_that_cannot_be_told_apart_share_a_place_and_neither_is_named() -> None:
    seen, truth = system(3)
    mine = np.flatnonzero(seen.table.service == seen.services.index(truth))
    twin = [Extra(6, MetricKind(int(seen.table.kind[i])), seen.table.values[i]) for i in mine]
    alone = replace(seen, alert=None, calls=None, services=(*seen.services, "twin"))
    both = extended(alone, *twin)
    both = replace(both, table=replace(both.table, metric=both.table.metric % len(seen.metrics)))

    ranking = blame(both)

    assert {one.service for one in ranking.blamed if one.place == 1} == {truth, "twin"}
    assert probability(ranking) == 0.0


@FEW
@given(SEEDS)
def test_the_broken_service_stands_first_whatever_waits_for_it(seed: int) -> None:
    seen, truth = system(seed)

    assert blame(seen).blamed[0].service == truth


def test_a_late_alert_finds_the_start_and_does_not_wander_further() -> None:
    seen, truth = system(5)
    late = replace(seen, began=seen.began + 60.0)
    begun = float(seen.table.at[0])

    ranking = blame(late)

    assert ranking.blamed[0].service == truth
    assert seen.began - 180.0 <= begun + ranking.began <= late.began


def test_a_change_shortly_before_counts_double_and_one_of_yesterday_does_not() -> None:
    seen, truth = system(2)
    service = seen.services.index(truth)
    plain = told(blame(seen))[truth][1]
    now = blame(replace(seen, changes=((seen.began - 120.0, service),)))
    before = blame(replace(seen, changes=((seen.began - 86_400.0, service),)))

    assert told(now)[truth][1] == pytest.approx(2 * plain)
    assert told(before)[truth][1] == plain


def test_one_wild_sample_is_no_incident() -> None:
    seen, truth = system(4)
    seen.table.values[0, -3] = 300.0  # seconds, of the service that alerts
    quiet, _ = system(4, factor=0.0)
    quiet.table.values[:, -BROKEN_ROWS:] = quiet.table.values[:, :BROKEN_ROWS]
    quiet.table.values[0, -3] = 300.0

    assert blame(seen).blamed[0].service == truth
    assert not blame(quiet).evident


def test_work_that_no_longer_happens_shows_where() -> None:
    """The second service no longer asks the third: metrics are quiet, spans tell."""
    seen, _ = system(6, services=3)
    seen.table.values[:] = 1.0
    usual: list[tuple[int, int, int, float]] = []
    faulty: list[tuple[int, int, int, float]] = []
    for i in range(20):
        usual += [(0, 0, -1, 9.0), (1, 1, 3 * i, 5.0), (2, 2, 3 * i + 1, 2.0)]
        faulty += [(0, 0, -1, 9.0), (1, 1, 2 * i, 5.0)]
    traced = replace(
        seen, operations=("enter", "work", "store"), usual=requests(usual), faulty=requests(faulty)
    )

    first = blame(traced).blamed[0]

    assert first.service == "service-1"
    assert first.reasons[0].what == "lost: store in 100% -> 0% of its requests"


def test_the_service_that_adds_the_time_is_blamed_not_the_one_that_waits() -> None:
    seen, _ = system(7, services=3)
    seen.table.values[:] = 1.0

    def spans(slow: float) -> list[tuple[int, int, int, float]]:
        rows: list[tuple[int, int, int, float]] = []
        for i in range(20):
            rows += [(0, 0, -1, 9.0 + slow), (1, 1, 3 * i, 5.0 + slow)]
            rows += [(2, 2, 3 * i + 1, 2.0 + slow)]
        return rows

    traced = replace(
        seen,
        operations=("enter", "work", "store"),
        usual=requests(spans(0.0)),
        faulty=requests(spans(200.0)),
    )
    assert blame(traced).blamed[0].service == "service-2"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("http_requests_failed_total", MetricKind.ERRORS),
        ("request_duration_p99", MetricKind.LATENCY),
        ("container_cpu_usage", MetricKind.CPU),
        ("node_cpu_usage", MetricKind.NODE),
        ("success_rate", MetricKind.AVAILABILITY),
        ("heap_used", MetricKind.MEMORY),
        ("something", MetricKind.OTHER),
    ],
)
def test_a_metric_is_known_by_the_words_of_its_name(name: str, kind: MetricKind) -> None:
    assert kind_of(name) is kind
