"""`aiops demo --model scripted`: a model-driven run without a key, and the screen says so."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interfaces.cli.conftest import Aiops

AIOPS = (sys.executable, "-m", "aiops_agent.interfaces.cli.main")
MOST_REQUESTS, MOST_INPUT = 14, 25_000  # what a demo may send


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """One demo with keys in the environment that must not be used."""
    folder = tmp_path_factory.mktemp("scripted")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIOPS_")},
        "AIOPS_STATE_DIR": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "GEMINI_API_KEY": "not-to-be-used",
        "OPENAI_API_KEY": "not-to-be-used-either",
        "COLUMNS": "120",
    }
    command = [*AIOPS, "demo", "--model", "scripted", "--yes"]
    done = subprocess.run(
        command,
        check=False,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def calls(folder: Path) -> list[Any]:
    with sqlite3.connect(folder / "aiops.db") as database:
        rows = database.execute("SELECT document FROM model_calls").fetchall()
    database.close()
    return [json.loads(row[0]) for row in rows]


@pytest.mark.slow
def test_the_screen_says_that_the_model_is_scripted(ran: tuple[Path, str]) -> None:
    assert "The model is scripted: no language model" in " ".join(ran[1].split())
    assert "Second opinion" in ran[1]
    assert "scripted-flash" in ran[1]
    assert "resolved in" in ran[1]


@pytest.mark.slow
def test_keys_of_the_environment_are_ignored_and_nothing_leaves_the_machine(
    ran: tuple[Path, str],
) -> None:
    found = calls(ran[0])
    assert found
    assert {one["place"].rpartition(":")[0] for one in found} == {"http://127.0.0.1"}
    assert "not-to-be-used" not in json.dumps(found)


@pytest.mark.slow
def test_a_demo_stays_within_its_limits(ran: tuple[Path, str], record_property: Any) -> None:
    found = calls(ran[0])
    put = sum(one["usage"]["input"] for one in found)
    record_property("count", f"demo: {len(found)} requests, {put} tokens in (characters / 3.5)")
    assert len(found) <= MOST_REQUESTS
    assert put <= MOST_INPUT
    assert {one["trouble"] for one in found} == {None}


def test_a_model_that_the_demo_does_not_know_is_told_with_those_it_knows(aiops: Aiops) -> None:
    ran = aiops("demo", "--model", "gpt-9")
    assert ran.code == 2
    assert "Known: scripted, none" in ran.err
