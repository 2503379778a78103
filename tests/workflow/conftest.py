"""A place on every store at hand."""

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from tests.workflow.place import Place


@pytest.fixture
def place(store: SqlStore) -> Place:
    """An empty place."""
    return Place(store)
