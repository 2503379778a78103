"""The long measurements in small: `make prove` runs them whole."""

import pytest

from aiops_agent.domain import redact
from aiops_agent.domain.naming import Naming
from aiops_agent.evaluation.goals import Goal
from bench import bodies, planted
from bench.told import tell
from tests import seams


def missed(goals: list[Goal]) -> list[str]:
    # Speed is for a quiet machine.
    return [one.row for one in goals if not one.met and "a second" not in one.row]


def test_planted_secrets_do_not_survive_and_clean_lines_stay() -> None:
    goals = list(planted.goals(seed=7, n=1000))
    print(*goals, sep="\n")
    assert missed(goals) == []


@pytest.mark.slow
def test_the_count_notices_a_redactor_that_only_knows_families(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seams.VALUED.plant(monkeypatch, lambda text: (text, 0))
    rows = missed(list(planted.goals(seed=7, n=500)))
    assert "hidden, key, unnamed families" in rows
    assert "hidden, bare, named families" not in rows


@pytest.mark.slow
def test_the_count_notices_a_redactor_that_takes_out_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redact, "naming", lambda _name: Naming.SECRET)
    assert "clean lines touched" in missed(list(planted.goals(seed=7, n=200)))


def test_half_a_secret_counts_as_survived() -> None:
    assert planted.survives("abcdefghijkl", "so abcdefgh…")
    assert not planted.survives("abcdefghijkl", "so abcde…")


def test_a_missed_goal_is_told_twice_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell([Goal("good", 3, 0.5, ">= 0.5"), Goal("told", 1, 9)]) == 0
    assert tell([Goal("bad", 3, 2, "<= 0")]) == 1
    said = capsys.readouterr()
    assert '{"row": "bad", "n": 3, "goal": "<= 0", "measured": 2}' in said.out
    assert said.err.startswith("missed: ")


def test_a_goal_over_no_cases_is_not_reached() -> None:
    assert not Goal("anything", 0, 1.0, ">= 0.5").met
    assert not Goal("anything", 0, 0.0, "<= 0.5").met
    assert Goal("told only", 0, 0.0).met


def test_a_long_body_is_handled_whole() -> None:
    cost = bodies.handled("a name each", 600, seed=1)
    assert (cost.kept, cost.seconds > 0) == (600, True)
