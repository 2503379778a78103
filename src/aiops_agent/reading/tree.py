"""The parts of a PromQL expression, and what may be asked of them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})


@dataclass(frozen=True)
class LabelMatcher:
    """One condition on a label: `sign` is =, !=, =~ or !~."""

    label: str
    sign: str
    value: str


@dataclass(frozen=True)
class NumberNode:
    """A number that is written out."""

    value: float


@dataclass(frozen=True)
class TextNode:
    """A quoted argument."""

    value: str


@dataclass(frozen=True)
class SelectorNode:
    """Series by name and labels; `range` in seconds, 0 for the present value."""

    metric: str
    matchers: tuple[LabelMatcher, ...] = ()
    range: float = 0.0


@dataclass(frozen=True)
class CallNode:
    """A function or an aggregation; `by` are the labels that are kept, None when it names none."""

    name: str
    arguments: tuple["Node", ...]
    by: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class BinaryNode:
    """Two sides and what is between them."""

    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class SubqueryNode:
    """An expression over a range of `range` seconds."""

    inner: "Node"
    range: float


Node: TypeAlias = NumberNode | TextNode | SelectorNode | CallNode | BinaryNode | SubqueryNode


def children(node: Node) -> tuple[Node, ...]:
    """Return what a part of an expression is made of."""
    match node:
        case CallNode():
            return node.arguments
        case BinaryNode():
            return (node.left, node.right)
        case SubqueryNode():
            return (node.inner,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Return a part of an expression and all parts of it, as they are written."""
    yield node
    for child in children(node):
        yield from walk(child)


def constant(node: Node) -> float | None:
    """Return the number that a part without series stands for, or None."""
    match node:
        case NumberNode():
            return node.value
        case BinaryNode():
            left, right = constant(node.left), constant(node.right)
            made = _HOW.get(node.sign)
            if left is None or right is None or made is None:
                return None
            return math.nan if node.sign in "/%" and not right else made(left, right)
        case _:
            return None


_HOW = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
}
