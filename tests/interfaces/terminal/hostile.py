"""Strings that try to command a terminal, a report or a reader."""

import json
import random
from pathlib import Path
from typing import Any

_BODY = Path(__file__).parents[2] / "data" / "alertmanager" / "14_hostile_strings.json"
BITS = (
    *(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))),
    *"\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e",
    *"\u2060\u2066\u2069\u3164\ufe0f\ufeff\uffa0\U000e0001\U000e0069\U000e01ef\ud800\udfff\ue000",
    "\x1b[2J",
    "\x1b]0;owned\x07",
    "\x1b]8;;http://evil.example\x1b\\",
    "[bold red]",
    "[/]",
    "[link=http://evil.example]",
    ":bomb:",
    "![x](http://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "http://evil.example",
    "www.evil.example",
    "<script>",
    "| a | b |\n| - | - |",
    "```",
    "\n---\n",
    "\n# heading\n",
    "日本語",
    "😀",
    "e\u0301\u0301\u0301\u0301\u0301",
    "payments-api",
    " ",
    "x" * 300,
)


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.items() for item in part for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


HOSTILE = tuple(dict.fromkeys(_strings(json.loads(_BODY.read_text("utf-8")))))


def hostile_strings(count: int) -> list[str]:
    """Return every recorded hostile string, then seeded mixtures up to `count`."""
    chance = random.Random(7)
    mixed = [
        "".join(chance.choice(BITS) for _ in range(chance.randint(1, 12)))
        for _ in range(count - len(HOSTILE))
    ]
    return [*HOSTILE, *mixed]
