"""Do state folders of any name work, and is one that others can write refused with code 4?"""

import json
from pathlib import Path

import pytest

from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.main import main

ODD = ("q?mark", "100%40x", "50%", "with space", "ümläut-日本", "a#b", "it's", "a&b;c", ":memory:")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("AIOPS_CONFIG", raising=False)
    return tmp_path


def words_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.mark.parametrize("name", ODD)
def test_a_state_folder_of_any_name_holds_the_store(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("AIOPS_STATE_DIR", str(home / name))
    assert words_of(capsys, "token", "create", "am")[0] == 0
    code, listed, _ = words_of(capsys, "token", "list", "-o", "json")

    assert (code, [one["name"] for one in json.loads(listed)]) == (0, ["am"])
    assert (home / name / "aiops.db").is_file()
    assert {path.name for path in home.iterdir()} <= {name, "xdg"}
    modes = {path.stat().st_mode & 0o077 for path in (home / name, *(home / name).rglob("*"))}
    assert modes == {0}


@pytest.mark.parametrize("what", ["state", "state/aiops.db", "state/locks", "aiops.yaml"])
def test_what_others_can_write_ends_every_command_with_code_4(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    monkeypatch.setenv("AIOPS_STATE_DIR", str(home / "state"))
    (home / "aiops.yaml").write_text("mode: propose")
    (home / "aiops.yaml").chmod(0o600)
    assert words_of(capsys, "token", "create", "am")[0] == 0
    (home / "state/locks").mkdir(mode=0o700, exist_ok=True)
    (home / what).chmod(0o777)

    for words in (("token", "list"), ("incident", "list"), ("approve", "INC-0001")):
        code, out, err = words_of(capsys, *words)
        assert (code, out) == (4, "")
        assert f"{home / what} can be written by others; run: chmod o" in err.replace("go-w", "o-w")
    code, out, err = words_of(capsys, "doctor", "-o", "json")
    assert code == 4
    if what != "aiops.yaml":
        (files,) = [one for one in json.loads(out) if one["name"] == "files"]
        assert files["health"] == "problem"
        assert str(home / what) in files["remedy"]
    assert str(home / what) in out + err


def test_the_records_alone_look_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who builds it without a command line is refused all the same."""
    monkeypatch.setenv("AIOPS_STATE_DIR", str(home / "state"))
    (home / "state").mkdir()
    (home / "state").chmod(0o777)

    with pytest.raises(Exception, match="can be written by others"):
        door.records(door.load(None, {}).settings)
