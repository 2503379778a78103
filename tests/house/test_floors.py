"""The floors hold, and each contract fails when a wrong import is planted."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
# contract: the file that gets a wrong line, and the line
PLANTED = {
    "floors": ("domain/alert.py", "from aiops_agent import bootstrap"),
    "hands": ("workflow/queries.py", "from aiops_agent.actions import platform"),
    "past": ("backtest/replay.py", "from aiops_agent.safety import execute"),
    "voices": ("agents/plan.py", "from aiops_agent.safety import execute"),
    "agents": ("agents/triage.py", "from aiops_agent.agents import diagnose"),
    "actions": ("actions/scale.py", "from aiops_agent.actions import restart"),
    "rules": (
        "safety/rules/change_freeze.py",
        "from aiops_agent.safety.rules import propose_asks",
    ),
    "outside": ("adapters/webhook.py", "from aiops_agent import settings"),
    "vendors": ("adapters/webhook.py", "from aiops_agent.adapters import alertmanager"),
    "pure": ("reasoning/rank.py", "import httpx2"),
    "engine": ("interfaces/cli/main.py", "import dbos"),
    "models": ("bootstrap/demo.py", "import pydantic_ai"),
    "clusters": ("bootstrap/demo.py", "import lightkube"),
    "spans": ("workflow/queries.py", "import opentelemetry"),
    "readers": ("interfaces/http/pages.py", "from aiops_agent.workflow import commands"),
    "readonly": ("readonly/status.py", "from aiops_agent.ports import store"),
    "looking": ("bootstrap/looking.py", "from aiops_agent.actions import platform"),
    "light": ("workflow/queries.py", "from aiops_agent.workflow import deps"),
    "store": ("simulator/shop.py", "import sqlalchemy"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the source and its contracts that may be spoiled."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the copy as `make check` does on the source."""
    script = "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports_command; lint_imports_command()"  # noqa: E501 -- one line for -c
    wanted = [word for contract in contracts for word in ("--contract", contract)]
    return subprocess.run(
        [sys.executable, "-c", script, "--no-cache", "--no-logo", *wanted],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract["id"] for contract in CONTRACTS} == set(PLANTED)


def test_our_floors_hold(copy: Path) -> None:
    done = lint(copy)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in done.stdout


# Each room that only shows, and each of the doors that it must not find.
READERS = [
    ("readers", path, f"from aiops_agent.workflow import {door}")
    for path in (
        "interfaces/http/pages.py",
        "interfaces/http/metrics.py",
        "interfaces/terminal/follow.py",
    )
    for door in ("commands", "intake")
]
# And each hand that a replay of the past must not find.
HANDS = [
    ("past", "backtest/run.py", f"from aiops_agent.{found}")
    for found in (
        "workflow import commands",
        "actions import platform",
        "adapters.sql import store",
    )
]


@pytest.mark.parametrize(
    ("contract", "path", "line"),
    [*((name, *found) for name, found in PLANTED.items()), *READERS, *HANDS],
)
@pytest.mark.slow
def test_a_planted_import_breaks_the_contract(
    contract: str, path: str, line: str, copy: Path
) -> None:
    file = copy / "src" / "aiops_agent" / path
    file.write_text(f"{file.read_text()}\n{line}\n")

    done = lint(copy, contract)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 kept, 1 broken" in done.stdout
    assert f"aiops_agent.{path[:-3].replace('/', '.')} ->" in done.stdout
