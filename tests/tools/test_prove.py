"""`make prove` keeps what is done, and goes on where it was cut off."""

import json
import sys
from pathlib import Path

import pytest

from tools import prove
from tools.prove import Stage, fingerprint


def stage(folder: Path, name: str, code: int = 0) -> Stage:
    """Return a stage that notes that it ran, prints two rows, and ends with a code."""
    note = folder / f"{name}.ran"
    program = (
        f"import sys; open({str(note)!r}, 'a').write('x');"
        ' print(\'{"row": "a", "n": 7}\'); print(\'{"row": "b", "n": 5}\');'
        f" print('missed: b', file=sys.stderr) if {code} else None; sys.exit({code})"
    )
    return Stage(name, (sys.executable, "-c", program), 1)


def ran(folder: Path, name: str) -> int:
    note = folder / f"{name}.ran"
    return len(note.read_text()) if note.exists() else 0


@pytest.fixture(autouse=True)
def source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "fingerprint", lambda _root: "one")


def test_what_is_done_does_not_run_again_and_what_failed_does(tmp_path: Path) -> None:
    both = [stage(tmp_path, "good"), stage(tmp_path, "bad", 1)]
    assert prove.prove(both, tmp_path, 1) == 1
    assert prove.prove(both, tmp_path, 1) == 1
    assert (ran(tmp_path, "good"), ran(tmp_path, "bad")) == (1, 2)


def test_another_source_another_seed_and_a_wish_run_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = [stage(tmp_path, "good")]
    prove.prove(one, tmp_path, 1)
    prove.prove(one, tmp_path, 2)
    prove.prove(one, tmp_path, 2, again=True)
    monkeypatch.setattr(prove, "fingerprint", lambda _root: "two")
    prove.prove(one, tmp_path, 2)
    assert ran(tmp_path, "good") == 4


def test_a_command_is_told_the_seed_and_the_source(tmp_path: Path) -> None:
    program = f"open({str(tmp_path / 'told')!r}, 'w').write('{{seed}} of {{source}}')"
    prove.prove([Stage("told", (sys.executable, "-c", program), 1)], tmp_path, 7)
    assert (tmp_path / "told").read_text() == "7 of one"


def test_each_stage_tells_its_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prove.prove([stage(tmp_path, "good"), stage(tmp_path, "bad", 3)], tmp_path, 1)
    said = capsys.readouterr().out
    assert "2 rows, 12 cases, 0 missed" in said
    assert "FAILED (3)" in said
    assert "1 missed" in said
    assert "24 cases" in said
    kept = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert ("good", 12, 0) in [(one["stage"], one["cases"], one["code"]) for one in kept]


def test_what_measures_time_runs_alone_after_the_others(tmp_path: Path) -> None:
    note = tmp_path / "note"

    def noting(name: str, *, alone: bool) -> Stage:
        program = f"f=open({str(note)!r},'a'); f.write('+'); f.flush();" + (
            "f.write('-')" if alone else ""
        )
        return Stage(name, (sys.executable, "-c", program), 1, alone=alone)

    stages = [noting("b", alone=True), noting("a", alone=False), noting("c", alone=True)]
    assert prove.prove(stages, tmp_path, 1, jobs=2) == 0
    assert note.read_text() == "++-+-"


def test_a_stage_that_does_not_end_is_cut_off(tmp_path: Path) -> None:
    slow = Stage("slow", (sys.executable, "-c", "while True: pass"), 0)
    assert prove.prove([slow], tmp_path, 1) == 1


def test_a_change_of_the_source_is_seen(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    file = tmp_path / "src" / "a.py"
    file.write_text("1")
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_text("")
    before = fingerprint(tmp_path)
    file.write_text("2")
    assert fingerprint(tmp_path) != before


def test_every_stage_is_a_command_with_a_limit() -> None:
    names = [one.name for one in prove.stages()]
    assert {"secrets", "orders", "patterns", "outcomes", "long"} <= set(names)
    assert len(set(names)) == len(names)
    assert all(0 < one.minutes <= prove.MOST_MINUTES for one in prove.stages())
