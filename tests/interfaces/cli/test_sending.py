"""`aiops sending` on a real store: what it says, its codes, and what it does without a store."""

import asyncio
from pathlib import Path

import pytest

from aiops_agent.domain.sending import Standing
from aiops_agent.interfaces.cli.main import main
from aiops_agent.interfaces.cli.stopped import watched
from aiops_agent.workflow.queries import Queries
from tests.interfaces.cli.played import PlayedHouse

Captured = pytest.CaptureFixture[str]


def run(capsys: Captured, *words: str) -> tuple[int, str, str]:
    code = main(["sending", *words])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_stop_and_start_are_said_and_shown(state: Path, capsys: Captured) -> None:
    code, out, err = run(capsys, "stop", "bad", "release")
    assert (code, out) == (0, "")
    assert "Nothing is sent until" in err
    code, out, _ = run(capsys, "status")
    assert code == 0
    assert out.startswith("NOTHING IS SENT: stopped by ")
    assert ": bad release" in out
    assert main(["doctor"]) == 3
    assert "NOTHING IS SENT" in capsys.readouterr().out

    (state / "STOP").touch()
    code, _, err = run(capsys, "start")
    assert code == 3
    assert "all the same" in err
    (state / "STOP").unlink()
    assert run(capsys, "start")[0] == 0
    code, out, _ = run(capsys, "status", "--json")
    assert '"stopped": false' in out
    assert out.count('"by"') == 2


def test_without_a_store_the_file_stops(
    state: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIOPS_STORE_URL", "postgresql://nobody@127.0.0.1:9/none")
    code, _, err = run(capsys, "stop", "bad release")
    assert code == 0
    assert "STOP stops the processes" in err
    assert "bad release" in (state / "STOP").read_text()
    assert run(capsys, "start")[0] == 1
    assert (state / "STOP").exists()


def test_a_service_that_did_not_fail_is_not_opened(state: Path, capsys: Captured) -> None:
    code, _, err = run(capsys, "reset", "web")
    assert (code, state.exists()) == (2, True)
    assert "nothing to open" in err
    assert run(capsys, "reset", "web", "--environment", "moon")[0] == 2


async def test_a_screen_is_told_when_sending_stops(house: PlayedHouse) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    queries: Queries = house.queries  # type: ignore[assignment] # played
    house.service.standing = Standing(file="a file")
    async with watched(queries, told.put_nowait):
        assert await told.get() == "a file"


def test_a_sound_store_is_said_to_be_sound(state: Path, capsys: Captured) -> None:
    assert main(["store", "check", "--json"]) == 0
    assert '"flaws": []' in capsys.readouterr().out
    assert state.exists()
