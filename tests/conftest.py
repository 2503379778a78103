"""Fixtures for every floor: stores on SQLite, and on PostgreSQL when one is given."""

import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command that is run inside a test or a fixture takes our log for itself: give it back."""
    yield
    for name in ("aiops_agent", "dbos"):
        log = logging.getLogger(name)
        log.handlers[:], log.propagate = [], True
        log.setLevel(logging.NOTSET)  # and forget what was decided by the level before


BOTH_KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.real)]


@contextmanager
def _postgres(name: str, template: str = "template1") -> Iterator[str]:
    """Address of a database of the test server, made as a copy of another."""
    if not POSTGRES:
        pytest.fail("AIOPS_TEST_POSTGRES names no server; run `make test-real`.")
    server = make_engine(POSTGRES).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield sa.make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@contextmanager
def _upgraded(url: str) -> Iterator[sa.Engine]:
    made = make_engine(url)
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has the present schema: copied, it spares each test the migration."""
    made = tmp_path_factory.mktemp("template") / "store.db"
    with _upgraded(f"sqlite:///{made}"):
        pass
    return made


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """The name of a database that has the present schema."""
    name = f"aiops_{uuid.uuid4().hex}"
    with _postgres(name) as url:
        with _upgraded(url):
            pass
        yield name


@pytest.fixture(params=BOTH_KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an empty database of its own; `make test-real` says where PostgreSQL is."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    with _postgres(f"aiops_{uuid.uuid4().hex}") as url:
        yield url


@pytest.fixture(params=BOTH_KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a database of its own that has the present schema."""
    if request.param == "sqlite":
        file = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    template = request.getfixturevalue("postgres_template")
    with _postgres(f"aiops_{uuid.uuid4().hex}", template) as url:
        yield url


@pytest.fixture
def engine(store_url: str) -> Iterator[sa.Engine]:
    """An engine on a database that has the present schema."""
    with _upgraded(store_url) as made:
        yield made


@pytest.fixture
def store(engine: sa.Engine) -> SqlStore:
    """An empty store that wakes nobody."""
    return SqlStore(engine)
