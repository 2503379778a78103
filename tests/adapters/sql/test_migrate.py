"""Does every database end with the one schema?"""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from aiops_agent.adapters.sql import migrate
from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.tables import METADATA
from aiops_agent.domain.errors import StoreError


def test_the_migrated_schema_is_the_schema_of_the_code(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, METADATA) == []


def test_a_column_that_no_migration_makes_is_noticed(engine: sa.Engine) -> None:
    changed = sa.MetaData()
    for table in METADATA.tables.values():
        table.to_metadata(changed)
    changed.tables["events"].append_column(sa.Column("late", sa.Text))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert [found[0] for found in compare_metadata(context, changed)] == ["add_column"]


def test_the_revisions_named_in_the_code_are_those_in_the_folder() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.FOLDER))
    scripts = ScriptDirectory.from_config(config)
    found = tuple(reversed([script.revision for script in scripts.walk_revisions()]))

    assert found == migrate.REVISIONS


def test_eight_starters_at_once_bring_one_schema_up(empty_url: str) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(8)

    def begin() -> None:
        engine = make_engine(empty_url)
        start.wait()
        try:
            migrate.upgrade(engine)
        except StoreError as error:
            failures.append(error)
        engine.dispose()

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_database_of_a_newer_version_is_refused_and_left_alone(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError, match="newer version"):
        migrate.upgrade(engine)
    with engine.connect() as connection:
        found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    assert found == "9999"


def test_a_migration_that_fails_leaves_an_empty_database(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE tokens (x INTEGER)"))
    with pytest.raises(StoreError):
        migrate.upgrade(engine)

    assert sa.inspect(engine).get_table_names() == ["tokens"]
    engine.dispose()


def test_a_folder_with_a_percent_sign_is_no_trouble(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/100%/store.db")
    migrate.upgrade(engine)

    assert "events" in sa.inspect(engine).get_table_names()
    engine.dispose()
