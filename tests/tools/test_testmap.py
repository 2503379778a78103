"""A test that got lost on the way is seen, and so is a map that says nothing."""

import pytest

from tools import testmap

BEFORE = ("a.py::test_one", "a.py::test_two")
TODAY = {"a.py::test_one", "b.py::test_second"}


@pytest.mark.parametrize(
    ("moves", "flaw"),
    [
        ({}, "test_two: lost; write"),
        ({"a.py::test_two": "b.py::test_gone"}, "its successor b.py::test_gone does not exist"),
        ({"a.py::test_two": "reason: "}, "the reason is empty"),
        ({"a.py::test_two": "b.py::test_x", "b.py::test_x": "b.py::test_y"}, "test_y does not"),
        ({"a.py::test_two": "a.py::test_x", "a.py::test_x": "a.py::test_two"}, "does not exist"),
        ({"a.py::test_two": "b.py::test_second", "c.py::test_x": "reason: y"}, "was no test"),
    ],
)
def test_a_lost_test_is_one_flaw(moves: dict[str, str], flaw: str) -> None:
    (said,) = testmap.flaws(BEFORE, moves, TODAY)

    assert flaw in said


@pytest.mark.parametrize(
    "moves",
    [
        {"a.py::test_two": "b.py::test_second"},
        {"a.py::test_two": "b.py::test_x", "b.py::test_x": "b.py::test_second"},
        {"a.py::test_two": "reason: the thing it tested is gone"},
    ],
)
def test_a_successor_and_a_reason_are_enough(moves: dict[str, str]) -> None:
    assert testmap.flaws(BEFORE, moves, TODAY) == []


def test_only_tests_are_counted_also_those_of_classes() -> None:
    text = "def test_a(): ...\ndef helper(): ...\nclass TestB:\n    async def test_c(self): ...\n"

    found = list(testmap.functions("tests/test_x.py", text))

    assert found == ["tests/test_x.py::test_a", "tests/test_x.py::TestB::test_c"]
    assert list(testmap.functions("tests/helper.py", text)) == []


def test_a_clone_without_the_history_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(testmap, "BEFORE", "0" * 40)

    assert testmap.main(["testmap"]) == 2
    assert "fetch the whole history" in capsys.readouterr().err
