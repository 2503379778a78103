"""Models that behave badly, in small: `make prove` lives every row."""

from dataclasses import replace
from typing import Any

import pytest

from aiops_agent.domain.approval import Ruling
from aiops_agent.simulator.provider.behaviours import BEHAVIOURS
from bench import behaviours
from bench.behaviours import NAMES, judged, matrix, missing, pairs
from bench.mistreated import BUDGET, Lived, Treated, flaws
from tests.interfaces.terminal import canned

SAMPLE = (
    Treated("invented-tool", "hung-process", "openai", "sensible"),
    Treated("endless-tools", "traffic-surge", "gemini", "same"),
)
GOOD = Lived(
    incident=canned.RESOLVED,
    reported=True,
    asked=4,
    recorded=4,
    tokens=900,
    rulings=(Ruling.ASK,),
)


def test_every_row_s_pairs_are_covered_whatever_the_seed() -> None:
    for seed in range(5):
        rows = matrix(seed)
        assert missing(rows) == set()
        assert len(rows) == len(set(rows))
    assert len(NAMES) >= 30
    assert set(BEHAVIOURS) < set(NAMES)


def test_a_row_that_is_left_out_is_missed() -> None:
    """A planted defect."""
    rows = matrix(1)
    left = [row for row in rows if row.behaviour != "500" or row.scenario != rows[0].scenario]
    assert (
        missing(left) == {("500", rows[0].scenario)} <= set(pairs(Treated("500", rows[0].scenario)))
    )


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("row", SAMPLE, ids=lambda row: row.behaviour)
def test_the_incident_ends_within_its_limits_and_nothing_is_loosened(row: Treated) -> None:
    assert judged(row) == []


DEFECTS: dict[str, Any] = {
    "ended": {"reported": False},
    "limits": {"asked": BUDGET.requests + 1, "recorded": BUDGET.requests + 1},
    "recorded": {"recorded": 3},
    "approved": {"unapproved": ["op-1"]},
    "loosened": {"rulings": (Ruling.ALLOW,)},
    "provider": {"broken": ["KeyError"]},
}


@pytest.mark.parametrize("promise", DEFECTS)
def test_each_broken_promise_is_seen(promise: str) -> None:
    """Planted defects: what the judge is for."""
    assert list(flaws(GOOD, GOOD)) == []
    assert [found for found, _ in flaws(replace(GOOD, **DEFECTS[promise]), GOOD)] == [promise]


def test_the_promises_that_are_counted_are_those_that_are_judged() -> None:
    assert set(DEFECTS) | {"worse"} == set(behaviours.PROMISES)
