"""As much of JSON Schema (draft 7) as the chart's schema uses; what it does not know it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
}
_KNOWN = {
    *("$ref", "$schema", "additionalProperties", "const", "definitions", "description", "enum"),
    *("items", "maximum", "minimum", "pattern", "properties", "required", "title", "type"),
    "uniqueItems",
}


def parts(schema: Any, place: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema within a schema, with where it stands."""
    if strange := schema.keys() - _KNOWN:
        raise ValueError(f"{place} uses {strange}")
    yield place, schema
    for word in ("properties", "definitions"):
        for name, inner in schema.get(word, {}).items():
            yield from parts(inner, f"{place}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield from parts(schema[word], f"{place}[]")


def flaws(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> list[str]:
    """Return what is wrong with a value, each with its place."""
    if "$ref" in schema:
        schema = root["definitions"][schema["$ref"].removeprefix("#/definitions/")]
    found = [f"{at}: {why}" for why in _own(value, schema)]
    if isinstance(value, dict):
        told = schema.get("properties", {})
        more = schema.get("additionalProperties", True)
        found += [
            f"{at}: {key} is missing" for key in schema.get("required", ()) if key not in value
        ]
        for key, inner in value.items():
            if key in told or isinstance(more, dict):
                found += flaws(inner, told.get(key, more), root, f"{at}.{key}")
            elif not more:
                found.append(f"{at}: {key} is not known")
    if isinstance(value, list) and "items" in schema:
        for number, inner in enumerate(value):
            found += flaws(inner, schema["items"], root, f"{at}[{number}]")
    return found


def _own(value: Any, schema: dict[str, Any]) -> Iterator[str]:
    kinds = _TYPES[schema["type"]] if "type" in schema else (object,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds == (int,)):
        yield f"{value!r} is no {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{value!r} is not {schema['const']!r}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{value!r} does not fit {schema['pattern']}"
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get(
        "maximum", value
    ):
        yield f"{value} is out of bounds"
    if schema.get("uniqueItems") and len(value) != len({*map(str, value)}):
        yield "something stands in it twice"
