"""Small wrong programs made of a right one: each differs from its source in one place.

Words for people are left alone (strings with a space, log lines, docstrings), so is what only a
type checker reads (annotations, the names of type variables, the type of a cast, overloads), so are
asserts (`strict` of a zip is one) and decorators: what they say no test of behaviour can see.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

IDENTIFIER = re.compile(r"[A-Za-z0-9_.:/-]+")
# Calls that only name something for a type checker.
TYPE_NAMES = {"TypeVar", "ParamSpec", "TypeVarTuple", "NewType"}
Placed = ast.expr | ast.stmt
Function = ast.FunctionDef | ast.AsyncFunctionDef
Change = tuple[Placed, str, str]  # where, what kind, and the new text there
FLIPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
SUMS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """A source with one change, at a line of the original."""

    path: str
    line: int
    kind: str
    change: str  # "old -> new"
    text: str  # the whole changed source
    named: str = (
        ""  # the constant, field or function that is defined here, when nothing runs the line
    )
    within: tuple[int, int] = (0, 0)  # the lines of the function whose head is changed

    @property
    def key(self) -> str:
        """The same for the same change of the same source."""
        return f"{self.path}:{self.line} {self.kind}: {self.change}"


def mutants(path: str, text: str) -> list[Mutant]:
    """Return every mutant of a source, in the order of the places."""
    source, found = _Source(text), []
    for node, role in _walk(ast.parse(text)):
        for place, kind, new in _changes(node):
            changed = source.with_change(place, new)
            if changed != text and _parses(changed):
                said = f"{_short(source.segment(place))} -> {_short(new)}"
                found.append(Mutant(path, place.lineno, kind, said, changed, *role))
    return found


class _Role(NamedTuple):
    named: str = ""
    within: tuple[int, int] = (0, 0)


class _Source:
    """A text by the positions that ast gives: lines from 1, columns in bytes."""

    def __init__(self, text: str) -> None:
        self._lines = [line.encode() for line in text.splitlines(keepends=True)]

    def segment(self, node: Placed) -> str:
        start, end = self._range(node)
        return b"".join(self._lines)[start:end].decode()

    def with_change(self, node: Placed, new: str) -> str:
        start, end = self._range(node)
        whole = b"".join(self._lines)
        return (whole[:start] + new.encode() + whole[end:]).decode()

    def _range(self, node: Placed) -> tuple[int, int]:
        before = [0]
        for line in self._lines:
            before.append(before[-1] + len(line))
        last, column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return before[node.lineno - 1] + node.col_offset, before[last - 1] + column


def _walk(tree: ast.Module) -> Iterator[tuple[Placed, _Role]]:
    """Yield what may be changed; what runs when it is imported carries the name it defines."""
    yield from _body(tree.body, running=False)


def _body(body: list[ast.stmt], *, running: bool) -> Iterator[tuple[Placed, _Role]]:
    for statement in body:
        if _is_words(statement) or "TYPE_CHECKING" in _head(statement):
            continue
        if isinstance(statement, Function):
            if any(_named(one) == "overload" for one in statement.decorator_list):
                continue
            inside = (statement.body[0].lineno, statement.end_lineno or statement.lineno)
            defaults = [*statement.args.defaults, *filter(None, statement.args.kw_defaults)]
            for default in defaults:
                yield from _inner(default, _Role(statement.name, inside))
            yield from _body(statement.body, running=True)
        elif isinstance(statement, ast.ClassDef):
            yield from _body(statement.body, running=running)
        else:
            yield from _statement(statement, running=running)


def _statement(statement: ast.stmt, *, running: bool) -> Iterator[tuple[Placed, _Role]]:
    role = _Role() if running else _Role(_defines(statement))
    yield statement, role
    for name, value in ast.iter_fields(statement):
        if name == "annotation":
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ast.stmt):
                yield from _body([one], running=running)
            elif isinstance(one, ast.ExceptHandler | ast.match_case):
                yield from _body(one.body, running=running)
            elif isinstance(one, ast.expr):
                yield from _inner(one, role)
            elif isinstance(one, ast.withitem):
                yield from _inner(one.context_expr, role)


def _inner(node: ast.AST, role: _Role) -> Iterator[tuple[Placed, _Role]]:
    """Yield an expression and all below it, but for the insides of f-strings."""
    below: Sequence[ast.AST] = list(ast.iter_child_nodes(node))
    called = ""
    if isinstance(node, ast.Call):
        called = _named(node.func)
        if called == "cast":
            below = node.args[1:]
        elif called == "zip":  # less `strict`
            below = node.args
    if called in TYPE_NAMES:
        return
    if isinstance(node, ast.expr):
        yield node, role
    if not isinstance(node, ast.JoinedStr):
        for one in below:
            yield from _inner(one, role)


def _named(node: ast.expr) -> str:
    """Return the last part of a name, "" for any other expression."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _head(statement: ast.stmt) -> str:
    return ast.unparse(statement.test) if isinstance(statement, ast.If) else ""


def _is_words(statement: ast.stmt) -> bool:
    """Docstrings, imports, log lines and asserts are not changed."""
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.Assert | ast.Global):
        return True
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    if isinstance(value, ast.Call):
        return bool(re.match(r"_?log(ger|ging)?\.", ast.unparse(value.func), re.IGNORECASE))
    return isinstance(value, ast.Constant)


def _defines(statement: ast.stmt) -> str:
    if isinstance(statement, ast.AnnAssign | ast.Assign):
        first = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
        if isinstance(first, ast.Name):
            return first.id
    return ""


def _changes(node: Placed) -> Iterator[Change]:
    """Yield the changes of this node."""
    for known, change in CHANGES:
        if isinstance(node, known):
            yield from change(node)


def _comparison(node: ast.Compare) -> Iterator[Change]:
    for place, operator in enumerate(node.ops):
        if flipped := FLIPS.get(type(operator)):
            ops = [*node.ops[:place], flipped(), *node.ops[place + 1 :]]
            yield node, "comparison", _text(ast.Compare(node.left, ops, node.comparators))


def _condition(node: ast.If | ast.While | ast.IfExp) -> Iterator[Change]:
    if not _is_negated_elsewhere(node.test):
        yield node.test, "negated", _text(ast.UnaryOp(ast.Not(), node.test))


def _is_negated_elsewhere(test: ast.expr) -> bool:
    """A `not` that is left out and an `==` that is flipped are the same mutant already."""
    if isinstance(test, ast.Compare):
        return len(test.ops) == 1 and not isinstance(test.ops[0], _ORDERS)
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def _bool(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield node, "and/or", _text(ast.BoolOp(other, node.values))
    for place in range(len(node.values)):
        kept = node.values[:place] + node.values[place + 1 :]
        yield (
            node,
            "operand left out",
            _text(kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)),
        )


def _not(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.op, ast.Not):
        yield node, "not left out", _text(node.operand)


def _sum(node: ast.BinOp) -> Iterator[Change]:
    strings = any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )
    if (other := SUMS.get(type(node.op))) and not strings:
        yield node, "arithmetic", _text(ast.BinOp(node.left, other(), node.right))


def _constant(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield node, "constant", str(not value)
    elif isinstance(value, int | float):
        yield node, "constant", repr(value + 1)
    elif isinstance(value, str) and IDENTIFIER.fullmatch(value):
        yield node, "constant", repr(f"{value}x")


def _removed(node: ast.stmt) -> Iterator[Change]:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if isinstance(target, ast.Name) or node.value is None:
            return
    yield node, "removed", "pass"


def _return(node: ast.Return) -> Iterator[Change]:
    value = node.value
    if value is None or (isinstance(value, ast.Constant) and not value.value):
        return  # None in place of "" or 0 is the same to every `if`
    yield node, "returns None", "return None"
    if isinstance(value, ast.Tuple) and len(value.elts) > 1:
        swapped = [value.elts[1], value.elts[0], *value.elts[2:]]
        yield node, "returns swapped", _text(ast.Return(ast.Tuple(swapped, ast.Load())))


def _loop(node: ast.Continue | ast.Break) -> Iterator[Change]:
    yield node, "loop", "break" if isinstance(node, ast.Continue) else "continue"


def _filter(node: ast.expr) -> Iterator[Change]:
    """Leave out the conditions of a comprehension, one after the other."""
    for part in getattr(node, "generators", ()):
        whole = part.ifs
        for condition in whole:
            part.ifs = [one for one in whole if one is not condition]
            yield node, "filter left out", _text(node)
        part.ifs = whole


def _text(node: ast.AST) -> str:
    written = ast.unparse(ast.fix_missing_locations(node))
    return f"({written})" if isinstance(node, ast.expr) else written


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else f"{flat[:57]}..."


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_REMOVABLE = (ast.Expr, ast.AugAssign, ast.Assign, ast.AnnAssign, ast.Raise, ast.Delete)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
CHANGES: tuple[tuple[type | tuple[type, ...], Callable[..., Iterator[Change]]], ...] = (
    (ast.Compare, _comparison),
    ((ast.If, ast.While, ast.IfExp), _condition),
    (ast.BoolOp, _bool),
    (ast.UnaryOp, _not),
    (ast.BinOp, _sum),
    (ast.Constant, _constant),
    (_REMOVABLE, _removed),
    (ast.Return, _return),
    ((ast.Continue, ast.Break), _loop),
    (_COMPREHENSIONS, _filter),
)
