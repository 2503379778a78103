"""Blame depends on what was measured and on nothing else; each law catches a planted defect."""

import os
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aiops_agent.reasoning import blame as blaming
from aiops_agent.reasoning.blame import BlameRanking
from aiops_agent.reasoning.evidence import Scorer, Scores
from aiops_agent.reasoning.observations import (
    Floats,
    Ints,
    MetricTable,
    Observations,
    made_sound,
)
from aiops_agent.reasoning.own_evidence import Suspects
from tests import seams
from tests.reasoning.blame_laws import HEALTHY, LAWS, healthy

# Each example is a whole system, named by its seed: nothing to shrink. More by the environment,
# as before a release; `python -m bench laws` counts thousands.
EXAMPLES = int(os.environ.get("AIOPS_TEST_EXAMPLES", "12"))
FEW = settings(
    max_examples=EXAMPLES,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SEEDS = st.integers(0, 2**32 - 1)
Plant = Callable[[pytest.MonkeyPatch], None]
CAUGHT_WITHIN = 40  # systems; a defect that shows less often is a rare one


@pytest.mark.parametrize("name", LAWS)
@FEW
@given(seed=SEEDS)
def test_a_law_holds(name: str, seed: int) -> None:
    assert LAWS[name](seed) == ""


def test_an_added_healthy_service_displaces_the_true_first_in_at_most_one_of_a_hundred() -> None:
    assert sum(bool(healthy(seed)) for seed in range(100)) <= 1


def _scored(change: Callable[[Observations, Floats], Floats]) -> Plant:
    """Return a plant that spoils the score before services are put in order."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        real = blaming.ranking

        def ranking(
            seen: Observations, scores: Scores, suspects: Suspects, score: Floats
        ) -> BlameRanking:
            return real(seen, scores, suspects, score + change(seen, score))

        seams.BLAME_TIES.plant(patch, ranking)

    return plant


def _by_place(_seen: Observations, score: Floats) -> Floats:
    return np.where(score > 0, np.arange(len(score)) * 1e-3, 0.0)


def _by_name(seen: Observations, score: Floats) -> Floats:
    return np.where(score > 0, [1e-3 * len(name) for name in seen.services], 0.0)


def _by_chance(_seen: Observations, score: Floats) -> Floats:
    return np.random.default_rng().random(len(score))


def _somebody(_seen: Observations, score: Floats) -> Floats:
    return np.full(len(score), 1e-3)


def _the_newest(_seen: Observations, score: Floats) -> Floats:
    return np.where(np.arange(len(score)) == len(score) - 1, 100.0 * (len(score) > 6), 0.0)


def _fixed_floor(patch: pytest.MonkeyPatch) -> None:
    """A floor in some unit, under which milliseconds and seconds differ."""
    seams.FLOOR_OF_PEERS.plant(patch, lambda _self, level, _after: np.full(len(level), 0.05))


def _clock_hour(patch: pytest.MonkeyPatch) -> None:
    """Only the last full hour of the wall clock is looked at."""
    real = made_sound

    def cut(seen: Observations) -> Observations:
        values = seen.table.values.copy()
        values[:, seen.table.at % 7200.0 < 3600.0] = np.nan
        table = MetricTable(**{**vars(seen.table), "values": values})
        return real(Observations(**{**vars(seen), "table": table}))

    seams.SOUND_INPUT.plant(patch, cut)


def _columns_counted(patch: pytest.MonkeyPatch) -> None:
    """Columns that say nothing stay, and how many there are moves what is usual."""

    def all_of_them(_values: Floats, low: Floats, _high: Floats, _table: MetricTable) -> Ints:
        return np.arange(len(low))

    def counted(_self: Scorer, level: Floats, _after: Floats) -> Floats:
        return 0.001 * len(level) * np.maximum(np.nan_to_num(level), 1e-9)

    seams.TELLING_COLUMNS.plant(patch, all_of_them)
    seams.FLOOR_OF_PEERS.plant(patch, counted)


def _raises(patch: pytest.MonkeyPatch) -> None:
    """Rows before the incident are taken for granted."""
    real = Scorer.at

    def at(scorer: Scorer, began: float) -> Scores:
        if not scorer.table.until(began):
            raise ZeroDivisionError
        return real(scorer, began)

    seams.SCORED.plant(patch, at)


DEFECTS: Mapping[str, Plant] = {
    "order of columns and services": _scored(_by_place),
    "names": _scored(_by_name),
    "unit of one kind of metric": _fixed_floor,
    "shift in time": _clock_hour,
    "constant column": _columns_counted,
    "missing column": _columns_counted,
    "infinite column": _columns_counted,
    "column of one sample": _columns_counted,
    "duplicate column": _columns_counted,
    "same input, same bytes": _scored(_by_chance),
    "no input raises": _raises,
    "no evidence, nobody named": _scored(_somebody),
}


@pytest.mark.parametrize("name", LAWS)
def test_planted_a_defect_breaks_each_law(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    DEFECTS[name](monkeypatch)
    assert any(LAWS[name](seed) for seed in range(CAUGHT_WITHIN))


def test_planted_a_newcomer_that_is_blamed_displaces_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _scored(_the_newest)(monkeypatch)
    assert HEALTHY not in LAWS  # it is counted, not tried one by one
    assert sum(bool(healthy(seed)) for seed in range(20)) > 1
