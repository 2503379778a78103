"""A process that has loaded all libraries and forks to run tests: a second saved for each mutant.

Reads lines {"tests": [...], "limit": seconds}, answers each with pytest's exit code, -1 when the
tests did not end in time. It never loads the product: each child loads it as it lies there.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time

import pytest

LIBRARIES = (
    *("alembic.command", "dbos", "fastapi", "httpx2", "hypothesis", "numpy", "orjson", "psycopg"),
    *("pydantic", "pyte", "pytest", "pytest_asyncio.plugin", "pytest_timeout", "rich.console"),
    *("sqlalchemy.dialects.sqlite", "typer", "uvicorn", "yaml"),
)
# By a thread: it ends the process, whatever the code under test makes of an exception.
HANGS = ("--timeout=60", "--timeout-method=thread")
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain", *HANGS)
POLL_SECONDS = 0.02


def serve() -> None:
    """Load the libraries, then run what is asked, one after the other, until the input ends."""
    for name in LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # then each child loads what it needs, or fails by itself
    for line in sys.stdin:
        wanted = json.loads(line)
        print(run(wanted["tests"], wanted["limit"]), flush=True)


def run(tests: list[str], limit: float) -> int:
    """Run tests in a child; return pytest's exit code, or -1 when it did not end in time."""
    child = os.fork()
    if child == 0:
        _be_child(tests)
    until = time.monotonic() + limit
    try:
        while time.monotonic() < until:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            time.sleep(POLL_SECONDS)
        return -1
    finally:
        _end(child)


def _be_child(tests: list[str]) -> None:
    code = 3
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
        code = int(pytest.main([*OPTIONS, *tests]))
    finally:
        os._exit(code)


def _end(child: int) -> None:
    """End the child with all that it started."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        pass


if __name__ == "__main__":
    serve()
