"""A sample of the interleavings with clocks that are set; `make prove` runs 3,000."""

from collections.abc import Callable

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from bench.clocks import counted
from tests import seams

FLAWS = ("yes to a dead question", "armed without a living yes", "two outcomes")


@pytest.mark.slow
def test_no_dead_yes_counts(
    store: SqlStore, record_property: Callable[[str, object], None]
) -> None:
    found = counted(store, seed=1, n=50)
    assert [found[flaw] for flaw in FLAWS] == [0, 0, 0]
    assert min(found["armed"], found["withdrawn"], found["yes"]) > 0
    record_property("count", f"clocks: 50 interleavings, {found['moves']} moves, 0 dead yes")


@pytest.mark.slow
def test_a_clock_that_is_not_compared_is_caught(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.JUMPED.plant(monkeypatch, lambda _view, _now: "")
    seams.NOTED.plant(monkeypatch, lambda _work, now: now)
    assert counted(store, seed=1, n=40)["yes to a dead question"] > 0
