"""JSON Patch (RFC 6902) as the bytes on which the API server's `test` holds.

The server compares what was sent with what it has as the bytes that Go writes: `<`, `>`, `&` and
two line separators as escapes, everything else raw, a number in its own form (2, not 2.0). Equal
text that is written otherwise fails with the same 422 as a value that has changed.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from aiops_agent.domain.value import Document, Json

Step: TypeAlias = Document  # one operation of a patch
_AS_GO_WRITES = str.maketrans(
    {"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"}
)


def pointer(*keys: str) -> str:
    """Return the JSON pointer to a key below others."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def same(path: str, value: Json) -> Step:
    """Return the test that `path` holds `value`; None also holds where there is nothing."""
    return {"op": "test", "path": path, "value": value}


def put(path: str, value: Json) -> Step:
    """Return the step that gives `path` a value, whether or not it has one; its parent must be."""
    return {"op": "add", "path": path, "value": value}


def annotated(
    annotations: Mapping[str, str] | None, where: str, key: str, value: str
) -> list[Step]:
    """Return what writes one annotation below `where`, of which the present ones are given."""
    if annotations is None:
        # Made only while there is none: a whole map would take away what others wrote meanwhile.
        return [same(where, None), put(where, {key: value})]
    return [put(where + pointer(key), value)]


def encoded(steps: Sequence[Step]) -> str:
    """Return a patch as it is sent."""
    text = json.dumps(list(steps), ensure_ascii=False, separators=(",", ":"))
    return text.translate(_AS_GO_WRITES)  # such characters stand only inside JSON strings
