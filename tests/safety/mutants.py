"""Documents that differ from a given one in a single leaf."""

from collections.abc import Iterator
from typing import Any


def mutants(value: Any) -> Iterator[Any]:
    """Yield the value with one leaf changed, added or left out, for every leaf."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from ({**value, name: other} for other in mutants(inner))
        yield {**value, "added": 1}
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            for other in mutants(inner):
                yield [*value[:place], other, *value[place + 1 :]]
        yield value[:-1] if value else ["added"]
        yield [*value, *value[:1]]
    else:
        yield from _others(value)


def _others(leaf: Any) -> Iterator[Any]:
    if isinstance(leaf, bool):
        yield not leaf
    elif isinstance(leaf, int | float):
        yield leaf + 1
    elif isinstance(leaf, str):
        yield from (leaf + " ", leaf[:-1], leaf.upper())
    else:
        yield "something"
