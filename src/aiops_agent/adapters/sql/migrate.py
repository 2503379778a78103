"""Brings a database up to the present schema."""

import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from aiops_agent.adapters.sql.engine import our_errors, take_turn
from aiops_agent.domain.errors import StoreError

REVISIONS = ("0001", "0002", "0003")  # oldest first; the last is the schema in `tables`
FOLDER = Path(__file__).parent / "migrations"
_ALONE = threading.Lock()  # alembic keeps the migration that runs in globals of the process


def upgrade(engine: Engine) -> None:
    """Bring the schema up to date; safe when several processes start at once.

    Raises StoreError when the database was written by a newer version.
    """
    with our_errors(), engine.connect() as connection:
        if revision(connection) == REVISIONS[-1]:
            return
        connection.rollback()
        take_turn(connection, migrating=True)
        if revision(connection) != REVISIONS[-1]:
            _migrate(connection)
        connection.commit()


def revision(connection: Connection) -> str:
    """Return the revision of a database, empty for a new one; raises StoreError when unknown."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.scalar(text("SELECT version_num FROM alembic_version")) or ""
    if found and found not in REVISIONS:
        raise StoreError(
            f"The store was written by a newer version (schema {found}); "
            f"install that version again, or name another store."
        )
    return found


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 -- 0.3 s of import that only a new schema needs
    from alembic.config import Config  # noqa: PLC0415 -- the same

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    with _ALONE:
        command.upgrade(config, "head")
