"""What does an alerting expression compare with what? The series it measures, how, for how long."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from aiops_agent.reading.promql import UnreadableExpression, parse, seconds
from aiops_agent.reading.tree import (
    COMPARISONS,
    BinaryNode,
    CallNode,
    LabelMatcher,
    Node,
    SelectorNode,
    SubqueryNode,
    children,
    constant,
    walk,
)

_SET = frozenset({"or", "and", "unless"})
_SWAPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
# Series that only lend labels to others, by the naming convention of info metrics.
_LENDS = re.compile(r".*_(?:info|labels|owner|node_name|metadata)")
# A recording rule ends with what it does, and over how long: http_requests:rate5m.
_RECORDED = re.compile(r":[a-z_]*?([0-9]+(?:ms|[smhdwy]))$")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+[a-z]*")


@lru_cache(maxsize=4096)
def tokens(name: str) -> str:
    """Return a name in small words: `_high_cpu_5xx_` for HighCPU5xx, high_cpu:5xx, high-cpu-5xx."""
    return f"_{'_'.join(part.lower() for part in _PART.findall(name))}_"


@dataclass(frozen=True)
class Measured:
    """Series that a condition looks at. `through` are the functions around them, outermost first.

    `range` is how far back they are looked at, in seconds.
    """

    metric: str
    matchers: tuple[LabelMatcher, ...] = ()
    through: tuple[str, ...] = ()
    range: float = 0.0

    def selected(self, *labels: str) -> tuple[str, ...]:
        """Return what a label is asked to be, by equality or a pattern."""
        asked = (one for one in self.matchers if one.sign in {"=", "=~"} and one.value)
        return tuple(one.value for one in asked if one.label in labels)


@dataclass(frozen=True)
class Condition:
    """What fires: a value, `sign` and a limit; `sign` is "" where a value alone fires.

    `limit` is None where it is no written number.
    """

    value: Node
    sign: str = ""
    limit: float | None = None
    beside: Node | None = None  # the other side, where series are compared with series


@dataclass(frozen=True)
class AlertExpression:
    """An alert's expression, read."""

    tree: Node = field(repr=False)
    text: str = ""

    @cached_property
    def condition(self) -> Condition:
        """The first thing that must hold."""
        return _condition(self.tree) or Condition(self.tree)

    @cached_property
    def measured(self) -> tuple[Measured, ...]:
        """The series of the first condition, those that only lend labels left out."""
        sides = (self.condition.value, self.condition.beside)
        found = [one for side in sides if side is not None for one in _measured(side)]
        telling = [one for one in found if not _LENDS.fullmatch(one.metric)]
        return tuple(telling or found or self.series)

    @cached_property
    def series(self) -> tuple[Measured, ...]:
        """All series of the whole expression."""
        return tuple(_measured(self.tree))

    @cached_property
    def window(self) -> float:
        """The longest stretch that it looks back, in seconds."""
        recorded = (_RECORDED.search(one.metric) for one in self.series)
        lengths = [seconds(found.group(1)) for found in recorded if found is not None]
        return max([*(one.range for one in self.series), *lengths], default=0.0)

    @cached_property
    def quantile(self) -> float | None:
        """The highest quantile that it computes, 0..1."""
        calls = (one for one in walk(self.tree) if isinstance(one, CallNode))
        named = [one for one in calls if one.name.startswith("histogram_quantile")]
        levels = [constant(one.arguments[0]) for one in named if one.arguments]
        known = [level for level in levels if level is not None]
        written = [
            float(one.value) for series in self.series for one in series.matchers
            if one.label == "quantile" and re.fullmatch(r"[01]?\.?[0-9]+", one.value)
        ]  # fmt: skip
        return max([*known, *written], default=None)

    @cached_property
    def ratio(self) -> bool:
        """Whether series are divided by series in what is compared."""
        parts = (one for one in walk(self.condition.value) if isinstance(one, BinaryNode))
        return any(one.sign == "/" and _series(one.left) and _series(one.right) for one in parts)

    @cached_property
    def by(self) -> tuple[str, ...] | None:
        """The labels that survive its outermost aggregation; None where all do."""
        calls = (one for one in walk(self.condition.value) if isinstance(one, CallNode))
        return next((one.by for one in calls if one.by is not None), None)

    def calls(self, *names: str) -> bool:
        """Whether a function of such a name is anywhere in it."""
        return any(isinstance(one, CallNode) and one.name in names for one in walk(self.tree))

    @property
    def absent(self) -> bool:
        """Whether it fires because series are missing."""
        node = self.condition.value
        return isinstance(node, CallNode) and node.name in {"absent", "absent_over_time"}

    @property
    def constant(self) -> bool:
        """Whether it looks at no series, so that it always (or never) fires."""
        return not self.series


def read_expression(text: str) -> AlertExpression | None:
    """Return what an expression says, or None when it cannot be read."""
    try:
        return AlertExpression(parse(text), text) if text.strip() else None
    except UnreadableExpression:
        return None


def _series(node: Node) -> bool:
    return any(isinstance(one, SelectorNode) for one in walk(node))


def _condition(node: Node) -> Condition | None:
    match node:
        case BinaryNode(sign=sign) if sign in COMPARISONS:
            limit = constant(node.right)
            if limit is not None or not _constant_side(node.left):
                beside = node.right if _series(node.right) else None
                return Condition(node.left, sign, limit, beside)
            beside = node.left if _series(node.left) else None
            return Condition(node.right, _SWAPPED.get(sign, sign), constant(node.left), beside)
        case CallNode(name="absent" | "absent_over_time"):
            return Condition(node)
        case BinaryNode(sign="unless") if not any(map(_compares, walk(node.left))):
            return Condition(node.left)
        case _:
            found = (_condition(child) for child in children(node))
            return next((one for one in found if one is not None), None)


def _compares(node: Node) -> bool:
    return isinstance(node, BinaryNode) and node.sign in COMPARISONS


def _constant_side(node: Node) -> bool:
    return constant(node) is not None or not _series(node)


def _measured(node: Node, through: tuple[str, ...] = (), length: float = 0.0) -> Iterator[Measured]:
    match node:
        case SelectorNode():
            yield Measured(node.metric, node.matchers, through, max(length, node.range))
        case SubqueryNode():
            yield from _measured(node.inner, through, max(length, node.range))
        case CallNode():
            for one in node.arguments:
                yield from _measured(one, (*through, node.name), length)
        case BinaryNode(sign=sign) if sign in _SET:
            yield from _measured(node.left, through, length)
            if sign != "unless":
                yield from _measured(node.right, through, length)
        case _:
            for child in children(node):
                yield from _measured(child, through, length)
