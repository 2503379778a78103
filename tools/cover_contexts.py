"""A pytest plugin for tools/cover.py: which test runs which line, and how long each takes."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

SECONDS = "AIOPS_COVER_SECONDS"  # names the file that gets the seconds of each test

_seconds: dict[str, float] = defaultdict(float)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Count lines for this test, those of its threads too, until it is over."""
    measuring = coverage.Coverage.current()
    if measuring is not None:
        measuring.switch_context(item.nodeid)
    try:
        return (yield)
    finally:
        if measuring is not None:
            measuring.switch_context("")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what a test took, with its fixtures."""
    _seconds[report.nodeid] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the seconds down; workers report to the one process that does."""
    file = os.environ.get(SECONDS)
    if file and not hasattr(session.config, "workerinput"):
        Path(file).write_text(json.dumps(_seconds), "utf-8")
