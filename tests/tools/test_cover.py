"""Wrong programs are made as told, the right tests are asked, and a missed goal fails."""

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tools import cover
from tools.cover import Bench, Lines
from tools.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
# source: the changes, each as kind and new text
MADE = {
    "x = a < b": ["comparison (a <= b)"],
    "x = a is None": ["comparison (a is not None)"],
    "x = a and b": ["and/or (a or b)", "operand left out (b)", "operand left out (a)"],
    "x = not a": ["not left out (a)"],
    "x = a + b * 2": ["arithmetic (a - b * 2)", "arithmetic (b / 2)", "constant 3"],
    "x = True": ["constant False"],
    "x = 'a-name'": ["constant 'a-namex'"],
    "x = 'some words'": [],
    "x = f'{a} words'": [],
    "x: int = a": [],
    "x.y = a": ["removed pass"],
    "f(a)": ["removed pass"],
    "log.info('x', 1)": [],
    "assert a == 1": [],
    "def f():\n    'words'\n    return a, b": [
        "returns None return None",
        "returns swapped return (b, a)",
    ],
    "def f():\n    return ''": [],
    "if a:\n    raise b": ["negated (not a)", "removed pass"],
    "if not a:\n    b()": ["not left out (a)", "removed pass"],
    "x = [a for a in b if a]": ["filter left out ([a for a in b])"],
    "for a in b:\n    continue": ["loop break"],
    "@name('a')\ndef f(a: int = 1): ...": ["constant 2"],
    "T = TypeVar('T', bound='A')": [],
    "P = typing.ParamSpec('P')": [],
    "x = cast('A', a + b)": ["arithmetic (a - b)"],
    "x = zip(a + b, c, strict=True)": ["arithmetic (a - b)"],
    "@overload\ndef f(a: int = 1): ...\n@typing.overload\ndef f(a: str = 'a'): ...": [],
}


@pytest.mark.parametrize("source", MADE)
def test_each_kind_of_mutant_is_made(source: str) -> None:
    made = mutants("a.py", source)

    assert [f"{one.kind} {one.change.rpartition(' -> ')[2]}" for one in made] == MADE[source]


def test_every_mutant_of_our_own_is_another_program() -> None:
    path = ROOT / "src/aiops_agent/safety/approve.py"
    right = path.read_text("utf-8")

    made = mutants("approve.py", right)

    trees = [ast.dump(ast.parse(one.text)) for one in made]
    assert len(made) > 50
    assert ast.dump(ast.parse(right)) not in trees
    assert len(set(trees)) > 0.95 * len(trees)


def a_mutant(line: int, **other: object) -> Mutant:
    return Mutant("a.py", line, "kind", "change", "text", **other)  # type: ignore[arg-type]  # ours


@pytest.mark.parametrize(
    ("mutant", "asked"),
    [
        (a_mutant(3), ["fast", "slow"]),
        (a_mutant(9), []),
        (a_mutant(1, named="LIMIT"), ["slow"]),
        (a_mutant(2, within=(3, 4)), ["fast", "slow"]),
    ],
)
def test_those_tests_are_asked_that_can_see_it_and_the_fastest_first(
    mutant: Mutant, asked: list[str]
) -> None:
    lines = Lines(
        {},
        {"a.py": {3: {"slow", "fast"}}, "b.py": {1: {"slow"}, 2: {"other"}}},
        {"slow": 2.0, "fast": 0.1},
    )

    assert lines.of(mutant, {"a.py": "", "b.py": "a = LIMIT\nb = LIMITS\n"}) == asked


def test_those_that_share_a_fixture_or_the_name_can_see_it_too() -> None:
    """A shared fixture's lines count for the first test; another process's for none."""
    took = {
        "t/x.py::first": 3.0,
        "t/x.py::looks": 0.01,
        "t/x.py::other": 1.0,
        "t/test_a.py::t": 2.0,
    }
    lines = Lines({}, {"a.py": {3: {"t/x.py::first"}}}, took)

    assert lines.of(a_mutant(3), {}) == ["t/x.py::looks", "t/x.py::first"]
    assert lines.of(a_mutant(4), {}) == ["t/test_a.py::t"]


def test_those_of_the_files_own_name_come_first_unless_they_are_slow() -> None:
    own, slow, other = "t/test_a.py::own", "t/test_a.py::slow", "t/test_b.py::other"
    lines = Lines({}, {"a.py": {3: {own, slow, other}}}, {own: 0.9, slow: 3.0, other: 0.1})

    assert lines.of(a_mutant(3), {}) == [own, other, slow]


def test_a_constant_is_also_shown_to_who_holds_it_word_for_word() -> None:
    lines = Lines({}, {"a.py": {3: {"t/x.py::runs"}}}, {"t/x.py::runs": 0.5})
    constant = replace(a_mutant(3), kind="constant")

    assert lines.of(constant, {}) == [*sorted(cover.WORD_FOR_WORD), "t/x.py::runs"]
    assert all((ROOT / file).is_file() for file in cover.WORD_FOR_WORD)


def test_few_tests_are_asked_first_and_each_once() -> None:
    tests = [str(number) for number in range(60)]

    parts = [list(part) for part in cover._portions(tests)]

    assert [len(part) for part in parts] == [10, 40, 10]
    assert [*parts[0], *parts[1], *parts[2]] == tests
    assert [list(part) for part in cover._portions(["a"])] == [["a"]]


def test_what_would_take_too_long_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines({}, {"a.py": {3: {"a", "b", "c"}}}, {"a": 1.0, "b": 2.0, "c": 3.0})

    monkeypatch.setattr(cover, "MOST_SECONDS", 3.5)
    assert lines.affordable(a_mutant(3), {}) == ["a", "b"]
    monkeypatch.setattr(cover, "MOST_SECONDS", 0.5)
    assert lines.affordable(a_mutant(3), {}) == ["a"]


def test_a_goal_that_is_missed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cover._row("lines", 100, 90.0, 90)
    assert not cover._row("lines", 100, 90.0, 89)

    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "row": "lines",
        "n": 100,
        "goal": ">= 90",
        "measured": 89.0,
    }


@pytest.mark.slow
def test_a_mutant_dies_by_a_test_that_fails_or_hangs_and_leaves_the_right_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text("x = 1\n")
    test = "import a\ndef test_it(): assert a.x == 1\ndef test_blind(): assert a.x\n"
    (tmp_path / "test_a.py").write_text(test)
    (tmp_path / "tools").mkdir()
    warm = (ROOT / "tools/warm.py").read_text("utf-8")
    cold = warm.replace("for name in LIBRARIES", "for name in ()")  # this test needs none
    (tmp_path / "tools/warm.py").write_text(cold)
    monkeypatch.setattr(cover, "ROOT", tmp_path)
    monkeypatch.setattr(cover, "_files", lambda _: [*tmp_path.rglob("*.py")])
    bench = Bench(tmp_path / "bench")

    def dies(text: str, *tests: str, limit: float = 30.0) -> bool:
        return bench.dies(Mutant("src/a.py", 1, "constant", "", text), tests, limit)

    assert not dies("x = 1  # the same\n", "test_a.py::test_it")
    assert dies("x = 2\n", "test_a.py::test_it")
    assert not dies("x = 2\n", "test_a.py::test_blind")
    assert dies("while True: ...\n", "test_a.py::test_blind", limit=2.0)
    assert (tmp_path / "bench/src/a.py").read_text() == "x = 1\n"
    bench.close()
