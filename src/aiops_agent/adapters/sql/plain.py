"""What both databases store without loss: clean text, strict JSON (packed), UTC."""

import json
import math
import zlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Integer, LargeBinary, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine

from aiops_agent.domain.value import Value

REPLACEMENT = "\ufffd"
_LONG = 400  # bytes from which packing saves more than it costs
# A window of 4 kB loses nothing in what is no longer, and is made ready in a fifth of the time.
_WINDOW, _ROOM = 12, 5  # of zlib: bits, and the level of its own memory
_PACKED = (0x78, 0x48)  # first bytes of what zlib packed with a window of 15 and 12 bits: no JSON's


def clean(text: str) -> str:
    """Return the text with U+0000 and lone surrogates replaced by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    # PostgreSQL refuses U+0000, SQLite measures text only up to it, and UTF-8 has no surrogates.
    return (
        text.encode("utf-16", "surrogatepass")
        .decode("utf-16", "replace")
        .replace("\0", REPLACEMENT)
    )


class JsonText(str):
    """Strict JSON that needs no cleaning: what is very long is written by a quicker hand."""

    __slots__ = ()


def written(value: Value, apart: set[str]) -> Any:
    """Return a long value without the fields `apart` as what `dumps` takes; ten times as quick."""
    try:
        text = value.model_dump_json(exclude=apart)
    except ValueError:  # a lone surrogate
        text = "\\u0000"
    return value.model_dump(mode="json", exclude=apart) if "\\u0000" in text else JsonText(text)


def dumps(document: Any) -> str:
    """Return strict JSON; hostile characters are replaced, NaN and infinities become texts."""
    if isinstance(document, JsonText):
        return str(document)
    try:
        text = _json(document)
        text.encode()
        if "\\u0000" not in text:
            return text
    except ValueError:  # NaN, or a lone surrogate
        pass
    return _json(_cleaned(document))


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _cleaned(document: Any) -> Any:
    if isinstance(document, dict):
        return {clean(str(key)): _cleaned(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [_cleaned(value) for value in document]
    if isinstance(document, str):
        return clean(document)
    if isinstance(document, float) and not math.isfinite(document):
        return "NaN" if math.isnan(document) else "Infinity" if document > 0 else "-Infinity"
    return document


class CleanText(TypeDecorator[str]):
    """Text that both databases give back as it was given, hostile characters replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 -- the parent's signature
        """Clean on the way in."""
        return None if value is None else clean(value)


class PackedJson(TypeDecorator[Any]):
    """JSON that nobody queries by its parts; SQLite is given what is long packed (zlib).

    PostgreSQL packs by itself what makes a row long, and keeps JSON.
    """

    impl = JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Keep bytes in SQLite."""
        kind = LargeBinary() if dialect.name == "sqlite" else self.impl_instance
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Write strict JSON, packed where that is shorter."""
        if value is None or dialect.name != "sqlite":
            return value
        text = dumps(value).encode()
        return _packed(text) if len(text) >= _LONG else text

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Read what is packed and what is not."""
        if value is None or dialect.name != "sqlite":
            return value
        return json.loads(unpacked(value) if isinstance(value, bytes) else value)


def unpacked(stored: bytes) -> str:
    """Return the JSON text of a `PackedJson` as SQLite keeps it."""
    return (zlib.decompress(stored) if stored[0] in _PACKED else stored).decode()


def _packed(text: bytes) -> bytes:
    if len(text) > 1 << _WINDOW:
        return zlib.compress(text)
    packer = zlib.compressobj(wbits=_WINDOW, memLevel=_ROOM)
    return packer.compress(text) + packer.flush()


class bytes_of(GenericFunction[int]):  # noqa: N801 -- a function of SQL
    """The bytes that a value takes as it is kept; 0 of none."""

    type = Integer()
    inherit_cache = True


@compiles(bytes_of, "sqlite")
def _length(element: bytes_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"coalesce(length(CAST({compiler.process(element.clauses, **kw)} AS BLOB)), 0)"


@compiles(bytes_of, "postgresql")
def _column_size(element: bytes_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"coalesce(pg_column_size({compiler.process(element.clauses, **kw)}), 0)"


class Utc(TypeDecorator[datetime]):
    """An aware moment, kept and given back in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- the parent's signature
        """Turn to UTC; SQLite drops the zone."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- the parent's signature
        """Give SQLite's naive moments their zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
