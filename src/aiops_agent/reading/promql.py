"""Read a PromQL expression into a tree, to know what it measures. Nothing here is ever run.

The grammar is that of https://prometheus.io/docs/prometheus/latest/querying/basics/ and operators/;
names of functions and aggregations are not checked, so what a dialect adds is read as well.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from aiops_agent.reading.tree import (
    COMPARISONS,
    BinaryNode,
    CallNode,
    LabelMatcher,
    Node,
    NumberNode,
    SelectorNode,
    SubqueryNode,
    TextNode,
)

LONGEST = 20_000  # characters; the longest of 2159 public rules has 1,500
DEEPEST = 64  # levels of nesting, so that a hostile expression costs no stack
LONGEST_CHAIN = 300  # operators in a row, for the same reason

_TOKEN = re.compile(
    r"\s+|\#[^\n]*"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`)"
    r"|(?P<length>(?:[0-9]+(?:ms|[smhdwy]))+(?!\w))"
    r"|(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[a-zA-Z_:][\w:]*)"
    r"|(?P<sign>=~|!~|==|!=|>=|<=|[-+*/%^(){}\[\],=<>@:])",
    re.DOTALL,
)
_LEVELS = (  # weakest first; all but the power lean to the left
    frozenset({"or"}),
    frozenset({"and", "unless"}),
    COMPARISONS,
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%", "atan2"}),
)
_GROUPING = frozenset({"by", "without"})
_MATCHING = frozenset({"on", "ignoring", "group_left", "group_right"})


class UnreadableExpression(ValueError):
    """The text is not PromQL, or longer or deeper than anybody writes."""


@lru_cache(maxsize=512)
def parse(text: str) -> Node:
    """Return the tree of an expression. Raises UnreadableExpression."""
    if len(text) > LONGEST:
        raise UnreadableExpression(f"An expression has at most {LONGEST} characters.")
    reader = _TokenReader(list(_tokens(text)))
    made = reader.level(0)
    if reader.kind:
        raise UnreadableExpression(f"{reader.text!r} is not expected at the end.")
    return made


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise UnreadableExpression(f"{text[at]!r} is not expected in an expression.")
        at = found.end()
        if found.lastgroup:
            yield found.lastgroup, found.group()
    yield "", ""


class _TokenReader:
    """A recursive descent over the tokens; `text` and `kind` are those of the next one."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens, self._at, self._depth, self._signs = tokens, 0, 0, 0

    @property
    def kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def text(self) -> str:
        return self._tokens[self._at][1]

    @property
    def word(self) -> str:
        """The next token as a keyword; a quoted text is none."""
        return "" if self.kind == "text" else self.text.lower()

    def take(self, wanted: str = "") -> str:
        text = self.text
        if not self.kind or (wanted and self.word != wanted):
            raise UnreadableExpression(f"{text!r} stands where {wanted or 'more'} is expected.")
        self._at += 1
        return text

    def skip(self, wanted: str) -> bool:
        if self.word != wanted:
            return False
        self._at += 1
        return True

    def level(self, number: int) -> Node:
        if number == len(_LEVELS):
            return self.power()
        made = self.level(number + 1)
        while self.word in _LEVELS[number]:
            self._signs += 1
            if self._signs > LONGEST_CHAIN:
                raise UnreadableExpression(f"An expression has at most {LONGEST_CHAIN} operators.")
            sign = self.take().lower()
            self._match()
            made = BinaryNode(sign, made, self.level(number + 1))
        return made

    def power(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnreadableExpression(f"An expression is at most {DEEPEST} levels deep.")
        if self.word in {"+", "-"}:
            minus = self.take() == "-"
            made = self.power()
            made = BinaryNode("*", NumberNode(-1.0), made) if minus else made
            if isinstance(made, BinaryNode) and isinstance(made.right, NumberNode) and minus:
                made = NumberNode(-made.right.value)
        else:
            made = self._after(self._atom())
            if self.skip("^"):
                self._match()
                made = BinaryNode("^", made, self.power())
        self._depth -= 1
        return made

    def _match(self) -> None:
        """Pass over how two sides are matched."""
        self.skip("bool")
        while self.word in _MATCHING:
            self.take()
            if self.word == "(":
                self._names()

    def _atom(self) -> Node:
        if self.skip("("):
            made = self.level(0)
            self.take(")")
            return made
        if self.kind in _WRITTEN:
            return _WRITTEN[self.kind](self.take())
        if self.word == "{":
            return self._selector("")
        if self.kind != "name":
            raise UnreadableExpression(f"{self.text!r} stands where a value is expected.")
        name = self.take()
        if self.word in _GROUPING or (self.word == "(" and name.lower() not in _GROUPING):
            return self._call(name)
        if name.lower() in {"inf", "nan"}:
            return NumberNode(float(name))
        return self._selector(name)

    def _call(self, name: str) -> Node:
        by, without = self._group(None, ())
        self.take("(")
        arguments: list[Node] = []
        while not self.skip(")"):
            arguments.append(self.level(0))
            if not self.skip(","):
                self.take(")")
                break
        by, without = self._group(by, without)
        return CallNode(name.lower(), tuple(arguments), by, without)

    def _group(
        self, by: tuple[str, ...] | None, without: tuple[str, ...]
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        if self.word in _GROUPING:
            kept = self.take().lower() == "by"
            names = self._names()
            return (names, without) if kept else (by, names)
        return by, without

    def _names(self) -> tuple[str, ...]:
        self.take("(")
        names: list[str] = []
        while not self.skip(")"):
            names.append(_unquoted(self.take()))
            if not self.skip(","):
                self.take(")")
                break
        return tuple(names)

    def _selector(self, metric: str) -> SelectorNode:
        matchers: list[LabelMatcher] = []
        if self.skip("{"):
            while not self.skip("}"):
                label = _unquoted(self.take())
                if self.word in {"=", "!=", "=~", "!~"}:
                    matchers.append(LabelMatcher(label, self.take(), _unquoted(self.take())))
                else:  # {"a.name.in.utf8"} is the metric's name
                    metric = metric or label
                if not self.skip(","):
                    self.take("}")
                    break
        named = [one.value for one in matchers if one.label == "__name__" and one.sign == "="]
        metric = metric or next(iter(named), "")
        return SelectorNode(metric, tuple(one for one in matchers if one.label != "__name__"))

    def _after(self, made: Node) -> Node:
        """Read a range, an offset and a moment behind a value."""
        while self.word in {"[", "offset", "@"}:
            if self.skip("["):
                made = self._ranged(made)
            elif self.skip("offset"):
                self.skip("-")
                self.take()
            else:
                self.take("@")
                if self.skip("start") or self.skip("end"):
                    self._names()
                else:
                    self.take()
        return made

    def _ranged(self, made: Node) -> Node:
        length = seconds(self.take())
        stepped = self.text.startswith(":")  # [1h:], [1h:5m]
        while self.kind and self.word != "]":
            self.take()
        self.take("]")
        if isinstance(made, SelectorNode) and not stepped and not made.range:
            return SelectorNode(made.metric, made.matchers, length)
        return SubqueryNode(made, length)


def _unquoted(text: str) -> str:
    if text[:1] == "`":
        return text[1:-1]
    if text[:1] in {'"', "'"}:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _number(text: str) -> float:
    try:
        return float(int(text, 16)) if text[:2].lower() == "0x" else float(text)
    except OverflowError:
        return math.inf


def seconds(text: str) -> float:
    """Return the seconds of a length such as 1h30m."""
    parts = re.findall(r"(?<![0-9])([0-9]++)(ms|[smhdwy])", text)
    if not parts:
        return _number(text)
    return sum(float(count) * _UNIT[unit] for count, unit in parts)


_UNIT = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "y": 31536000.0,
}
# How what is written out is read, by the kind of the token.
_WRITTEN: Mapping[str, Callable[[str], Node]] = {
    "text": lambda text: TextNode(_unquoted(text)),
    "length": lambda text: NumberNode(seconds(text)),
    "number": lambda text: NumberNode(_number(text)),
}
