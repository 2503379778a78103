"""The command line before a played house, with nobody at the terminal."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.main import main
from tests.interfaces.cli.played import PlayedHouse


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Aiops = Callable[..., Ran]


@pytest.fixture
def house() -> PlayedHouse:
    return PlayedHouse()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIOPS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("AIOPS_CONFIG", "AIOPS_NO_INPUT", "CI", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "state"


@pytest.fixture
def aiops(
    house: PlayedHouse,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Aiops:
    monkeypatch.setattr(door, "records", lambda settings: house)
    monkeypatch.setattr(door, "casebook", lambda records, state: house.casebook)
    monkeypatch.setattr(door, "forget", lambda records, book, name, by: (book.forget(name, by), ""))
    monkeypatch.setattr(door, "application", lambda settings, records, executes: house)

    def run(*words: str) -> Ran:
        code = main(words)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run
