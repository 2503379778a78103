"""From rows to values and back; what every table of the store needs."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import (
    Connection,
    Insert,
    ScalarSelect,
    Table,
    Update,
    bindparam,
    insert,
    select,
    update,
)

from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.value import Value

V = TypeVar("V", bound=Value)


def read(kind: type[V], document: Any, **columns: Any) -> V:
    """Rebuild a value from its document and columns; raises StoreError when it does not fit."""
    try:
        return kind.of({**document, **columns})
    except (ValidationError, TypeError) as error:
        raise StoreError(
            f"A stored {kind.__name__} cannot be read; was it written by another version?"
        ) from error


def put(
    connection: Connection, table: Table, key: Mapping[str, Any], columns: Mapping[str, Any]
) -> None:
    """Insert or replace the row with that key; safe, as only one of our transactions is open."""
    change, new = _statements(table, *key)
    given = {f"key_{name}": value for name, value in key.items()}
    if connection.execute(change, {**given, **columns}).rowcount == 0:
        connection.execute(new, {**key, **columns})


@cache  # building a statement costs more than running it
def _statements(table: Table, *key: str) -> tuple[Update, Insert]:
    same = [table.c[name] == bindparam(f"key_{name}") for name in key]
    return update(table).where(*same), insert(table)


def number_of(table: Table, name: str) -> ScalarSelect[int]:
    """Return the order of arrival of the row with that id: nothing comes before an unknown one."""
    return select(table.c.number).where(table.c.id == name).scalar_subquery()
