"""Does any wrong type anywhere in a body make the decoder fail?"""

import copy
import json
from collections.abc import Iterator
from typing import Any

from aiops_agent.domain.alert import Delivery
from tests.adapters.test_alertmanager import body, decode

WRONG: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    4,
    2**63,
    10**400,
    1.5,
    -1e308,
    "",
    "4",
    "x" * 10_000,
    "\0\x1b\u202e",
    "0000-00-00T00:00:00Z",
    "http://[",
    [],
    [[]],
    [None, 1, "a"],
    {},
    {"": ""},
    {"a": {"b": ["c"]}},
    {"alertname": 7},
    [{"labels": {}, "status": "firing"}],
)


def paths(document: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    if isinstance(document, dict):
        for name, value in document.items():
            yield from paths(value, (*here, name))
    if isinstance(document, list):
        for number, value in enumerate(document):
            yield from paths(value, (*here, number))


def replaced(document: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    changed = copy.deepcopy(document)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = wrong
    return changed


def removed(document: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(document)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return changed


def mutations(document: Any) -> Iterator[Any]:
    for path in paths(document):
        for wrong in WRONG:
            yield replaced(document, path, wrong)
        if path:
            yield removed(document, path)


def test_no_wrong_type_in_any_field_makes_the_decoder_fail() -> None:
    tried = rejected = 0
    for number in (1, 5, 9, 14, 22):
        for mutation in mutations(json.loads(body(number))):
            found = decode(json.dumps(mutation).encode())
            assert isinstance(found, Delivery)
            assert not (found.rejected and found.alerts)
            tried, rejected = tried + 1, rejected + bool(found.rejected)

    print(f"{tried} mutations of 5 bodies: 0 failures, {rejected} rejected with a reason")
    assert tried >= 5_000
    assert 0 < rejected < tried


def test_no_cut_or_changed_byte_makes_the_decoder_fail() -> None:
    whole = body(14)
    cuts = [whole[:length] for length in range(0, len(whole), 3)]
    flips = [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(len(whole))]
    results = [decode(given) for given in (*cuts, *flips)]

    print(f"{len(results)} broken byte strings: 0 failures")
    assert all(isinstance(found, Delivery) for found in results)
