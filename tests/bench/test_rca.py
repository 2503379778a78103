"""What the measurements of blame say follows from what was measured."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from aiops_agent.evaluation.rca import RcaResult
from aiops_agent.reasoning import evidence
from aiops_agent.reasoning.observations import Observations
from bench import belief, constants, public, rca, rca_speed
from bench.peers import PeerRanking
from tests.evaluation.test_rca import data_set
from tests.reasoning.systems import system


class FakePeers:
    """Others that always name the first service, slowly."""

    def ranked(self, seen: Observations, times: int = 1) -> dict[str, PeerRanking]:
        assert times
        everybody = tuple(range(len(seen.services)))
        return {name: PeerRanking(everybody, 1e6) for name in ("BARO", "N-Sigma")}


def result(case: str, place: float) -> RcaResult:
    return RcaResult("set", case, "", place, 1.0, 1.0, "")


def test_the_lead_is_paired_by_case_and_its_bound_lies_below_it() -> None:
    own = [result(str(i), 1 if i < 9 else 2) for i in range(10)]
    other = [result(str(i), 1 if i < 3 else 2) for i in reversed(range(10))]

    low, lead = rca.bound(own, other, seed=1)

    assert lead == pytest.approx(0.6)
    assert 0 < low < lead
    assert rca.bound(own, own, seed=1) == (0.0, 0.0)


def test_ours_beside_peers_makes_rows_and_a_lead_of_nothing_misses_its_goal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data_set(tmp_path / "one", range(3))

    @contextmanager
    def running(_interpreter: Path) -> Iterator[FakePeers]:
        yield FakePeers()

    monkeypatch.setattr(rca, "running", running)
    monkeypatch.setattr(rca, "python", lambda: Path("python"))
    monkeypatch.setattr(rca_speed, "SIZES", ((100, 1),))

    code = rca.main(["--cases", str(tmp_path)])

    told = capsys.readouterr()
    assert '"row": "AC@1, one, BARO (metrics alone)"' in told.out
    assert '"row": "times faster than BARO, 100 series"' in told.out
    assert "| one |" in told.err
    assert code in (0, 1)
    assert rca.main(["--cases", str(tmp_path / "none")]) == 2


def test_without_graph_and_alert_nothing_tells_who_calls_whom() -> None:
    seen, _ = system(1)

    bare = rca.without(seen, rca.BARE)

    assert (bare.calls, bare.alert, bare.usual, bare.changes) == (None, None, None, ())
    assert rca.without(seen, rca.EVERYTHING) is seen


def test_a_constant_has_another_value_only_inside_the_block() -> None:
    one = next(each for each in constants.CONSTANTS if each.name == "GATE")
    before = evidence.GATE

    with constants.changed(one, one.times(2.0)):
        assert pytest.approx(np.log1p(2.2)) == evidence.GATE
    assert before == evidence.GATE


@pytest.mark.parametrize("one", [*constants.CONSTANTS, *constants.JOINED], ids=lambda one: one.name)
def test_every_constant_exists(one: constants.Constant) -> None:
    assert one.times(1.0) == pytest.approx(one.value)


def test_belief_is_fitted_without_the_set_it_is_judged_on() -> None:
    dice = np.random.default_rng(1)
    points = []
    for name, turned in (("a", False), ("b", False), ("odd", True)):
        for strength in dice.uniform(0, 4, 40).tolist():
            right = float((strength > 2) is not turned)
            points.append(belief.Point(name, strength, 0.5, 0.5, right))

    rows = {row.row: row.measured for row in belief.rows(points)}

    assert rows["AUROC, left out: odd"] == 0.0  # what the others teach is wrong here


def test_copies_lose_columns_and_keep_the_one_that_alerts() -> None:
    seen, _ = system(1)
    assert seen.alert is not None
    assert seen.alert.column is not None

    for copy in belief.copies(seen, 1):
        if copy.alert is not None and copy.alert.column is not None:
            column = copy.table.values[copy.alert.column]
            assert np.array_equal(column, seen.table.values[seen.alert.column])


def test_public_cases_are_diagnosed_through_ports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_set(tmp_path / "one", range(2))

    code = public.main(["--cases", str(tmp_path)])

    told = capsys.readouterr()
    assert code == 0
    assert '"row": "right, one, metrics and graph alone", "n": 2' in told.out
    assert public.main(["--cases", str(tmp_path / "none")]) == 2
