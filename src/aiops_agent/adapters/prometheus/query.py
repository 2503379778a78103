"""Questions to Prometheus as a small tree of values; text exists only when one is rendered.

Names are checked when a node is made and label values become literals when it is rendered, so a
hostile label can ask for nothing.
"""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from aiops_agent.domain.errors import SourceError

_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]{0,199}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_LONGEST_RANGE = timedelta(days=1)  # a rate over more says nothing of now


class Expression(Protocol):
    """Anything that can be asked."""

    def render(self) -> str:
        """Return the expression as PromQL."""
        ...


class Operator(StrEnum):
    """How a label is compared."""

    EQUAL = "="
    MATCHES = "=~"
    MATCHES_NOT = "!~"


def literal(text: str) -> str:
    """Return `text` as a PromQL string literal that means exactly it; raises SourceError."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SourceError("A label value is not valid text, so it cannot be asked for.") from error
    return json.dumps(text, ensure_ascii=False)


def label(name: str) -> str:
    """Return a label's name as PromQL writes it, quoted if it must be; raises SourceError."""
    if _LABEL.fullmatch(name):
        return name
    if not name or len(name) > 200 or not name.isprintable():
        raise SourceError(f"{name[:40]!r} cannot be the name of a label.")
    return literal(name)


@dataclass(frozen=True)
class Matcher:
    """One condition on a label."""

    label: str
    operator: Operator
    value: str

    def render(self) -> str:
        """Return the condition as PromQL."""
        return f"{label(self.label)}{self.operator.value}{literal(self.value)}"


def equal(name: str, value: str) -> Matcher:
    """Ask for one value of a label."""
    return Matcher(name, Operator.EQUAL, value)


def among(name: str, values: tuple[str, ...]) -> Matcher:
    """Ask for any of these values of a label, each taken literally."""
    if len(values) == 1:
        return equal(name, values[0])
    # RE2 and Python agree on these; re.escape would also escape what RE2 refuses.
    quoted = (re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", value) for value in values)
    return Matcher(name, Operator.MATCHES, "|".join(quoted))


@dataclass(frozen=True)
class Select:
    """All series of a metric that meet every condition; of any metric when it is empty."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def render(self) -> str:
        """Return the selector as PromQL."""
        conditions = [matcher.render() for matcher in self.matchers]
        if _METRIC.fullmatch(self.metric):
            return self.metric + (f"{{{','.join(conditions)}}}" if conditions else "")
        name = [f"__name__={literal(self.metric)}"] if self.metric else []
        return f"{{{','.join([*name, *conditions])}}}"


@dataclass(frozen=True)
class Over:
    """A function over the recent past of a selection: `rate`, `last_over_time`."""

    function: str
    select: Select
    window: timedelta

    def render(self) -> str:
        """Return the call as PromQL; raises SourceError when the range is not sensible."""
        if not timedelta(seconds=1) <= self.window <= _LONGEST_RANGE:
            raise SourceError(f"A range of {self.window} is not between 1 s and 1 day.")
        milliseconds = round(self.window.total_seconds() * 1000)
        return f"{_word(self.function)}({self.select.render()}[{milliseconds}ms])"


@dataclass(frozen=True)
class Aggregate:
    """`sum`, `avg`, `max`, `min` or `count` of an expression, by these labels."""

    function: str
    of: Expression
    by: tuple[str, ...] = ()

    def render(self) -> str:
        """Return the aggregation as PromQL."""
        by = f" by ({', '.join(label(name) for name in self.by)})" if self.by else ""
        return f"{_word(self.function)}{by} ({self.of.render()})"


@dataclass(frozen=True)
class Quantile:
    """A quantile of summed histogram buckets."""

    share: float
    buckets: Expression

    def render(self) -> str:
        """Return the quantile as PromQL."""
        return f"histogram_quantile({self.share!r}, {self.buckets.render()})"


@dataclass(frozen=True)
class Binary:
    """Two expressions with an operator between them."""

    left: Expression
    operator: str
    right: Expression

    def render(self) -> str:
        """Return the operation as PromQL, in brackets."""
        if self.operator not in _OPERATORS:
            raise SourceError(f"{self.operator!r} is no operator that we use.")
        return f"({self.left.render()} {self.operator} {self.right.render()})"


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: float

    def render(self) -> str:
        """Return the number as PromQL."""
        return repr(self.value)


_OPERATORS = {"/", "*", "+", "-", ">", "or"}
_FUNCTIONS = {
    "rate", "increase", "last_over_time", "avg_over_time", "count_over_time", "sum", "avg",
    "max", "min", "count", "histogram_count",
}  # fmt: skip


def _word(function: str) -> str:
    if function not in _FUNCTIONS:
        raise SourceError(f"{function!r} is no function that we use.")
    return function
