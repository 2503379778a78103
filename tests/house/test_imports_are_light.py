"""`aiops --help` and `--version` stay quick because they import nothing heavy."""

import subprocess
import sys

import pytest

HEAVY = {"dbos", "sqlalchemy", "numpy", "fastapi", "alembic", "uvicorn", "httpx2", "pydantic_ai"}
DRIVER = """
import sys
from aiops_agent.interfaces.cli.main import main
sys.argv = ["aiops", *sys.argv[1:]]
code = 0
try:
    code = main()
except SystemExit as stop:
    code = stop.code
print("modules:", *sorted({name.partition(".")[0] for name in sys.modules}))
sys.exit(code)
"""


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_light_option_imports_nothing_heavy(option: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, option], capture_output=True, text=True, check=False
    )

    modules = set(done.stdout.rpartition("modules:")[2].split())
    assert done.returncode == 0, done.stderr
    assert "aiops_agent" in modules
    assert modules & HEAVY == set()


def test_the_driver_would_see_a_heavy_import() -> None:
    spoiled = "import numpy\n" + DRIVER

    done = subprocess.run(
        [sys.executable, "-c", spoiled, "--help"], capture_output=True, text=True, check=False
    )

    assert "numpy" in done.stdout.rpartition("modules:")[2].split()
