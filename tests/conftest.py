"""Fixtures for every floor: stores on SQLite, and on PostgreSQL when one is given."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore

# Properties are tried with the same examples in every run, on a machine of any speed.
settings.register_profile(
    "steady",
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("steady")

POSTGRES = os.environ.get("AIOPS_TEST_POSTGRES", "")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests counted, `record_property("count", ...)`, also when run side by side."""
    reports = [r for found in terminalreporter.stats.values() for r in found]
    counts = [
        value
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == "count"
    ]
    for line in counts:
        terminalreporter.write_line(str(line))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an empty database of its own; `make test-real` says where PostgreSQL is."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    if not POSTGRES:
        pytest.fail("AIOPS_TEST_POSTGRES names no server; run `make test-real`.")
    name = f"aiops_{uuid.uuid4().hex}"
    server = make_engine(POSTGRES).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        yield sa.make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def engine(store_url: str) -> Iterator[sa.Engine]:
    """An engine on a database that has the present schema."""
    made = make_engine(store_url)
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> SqlStore:
    """An empty store that wakes nobody."""
    return SqlStore(engine)
