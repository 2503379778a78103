"""A place on every store at hand."""

import re
from collections.abc import Iterator

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from tests import timeline
from tests.workflow.place import Place
from tests.workflow.running import LIVED


@pytest.fixture
def place(store: SqlStore) -> Place:
    """An empty place."""
    return Place(store)


@pytest.fixture
def read_as_kept(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compare each life of a test, word for word, with the one that is kept in a file."""
    LIVED.clear()
    yield
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
    for number, run in enumerate(LIVED, start=1):
        now = timeline.written(run.end, run.events, run.steps, run.passed)
        timeline.check(f"{name}-{number}" if number > 1 else name, now)
