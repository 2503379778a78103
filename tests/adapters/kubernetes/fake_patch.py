"""What the fake API server answers with, and JSON Patch as the real one applies it."""

import json
from typing import Any, TypeAlias

Raw: TypeAlias = dict[str, Any]
Answer: TypeAlias = tuple[int, Raw]


def status(code: int, message: str, **details: Any) -> Answer:
    """A refusal as the API server words it."""
    return code, {"kind": "Status", "code": code, "message": message, **details}


REFUSED_TEST = status(422, "the server rejected our request due to an error in our request")


class FailedTest(Exception):
    """A test of a patch does not hold."""


def apply(document: Raw, step: Raw, body: str) -> None:
    """Apply one step of a patch that was sent as `body`."""
    *way, last = (_key(one) for one in step["path"].split("/")[1:])
    parent: Any = document
    for key in way:
        parent = parent.get(key) if isinstance(parent, dict) else None
    if step["op"] == "test":
        present = parent.get(last) if isinstance(parent, dict) else None
        # Text is compared as it is written: as Go writes it, or not at all.
        if present != step["value"] or go_json(step["value"]) not in body:
            raise FailedTest
        return
    if step["op"] != "add":
        return
    if not isinstance(parent, dict):
        raise FailedTest
    parent[last] = step["value"]


def _key(escaped: str) -> str:
    return escaped.replace("~1", "/").replace("~0", "~")


def go_json(value: Any) -> str:
    """JSON as Go's encoder writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
