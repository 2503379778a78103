"""Every place in the source where a regular expression is written, so that none goes unmeasured."""

import ast
import dataclasses
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import aiops_agent

AnyPattern: TypeAlias = re.Pattern[str] | re.Pattern[bytes]

ROOT = Path(aiops_agent.__file__).parent
_CALLS = {"compile", "sub", "subn", "match", "search", "fullmatch", "findall", "finditer", "split"}
# How a pattern is looked for where it may begin anywhere; the strictest, and what is measured
# unless a pattern is only ever held against the beginning of a text.
ANYWHERE = "finditer"
_AT_ONE_PLACE = {"match", "fullmatch"}


@dataclass(frozen=True)
class Site:
    """A call of `re`: in which module, below which name of it, with what."""

    module: str  # below aiops_agent
    owner: str
    line: int
    call: ast.Call

    @property
    def key(self) -> str:
        """The name under which somebody answers for it."""
        return f"{self.module}.{self.owner}"

    @property
    def name(self) -> str:
        """How it is told."""
        return f"{self.key}:{self.line}"

    @property
    def how(self) -> str:
        """The method of `re` that is called."""
        return self.call.func.attr if isinstance(self.call.func, ast.Attribute) else ""

    def pattern(self, known: Mapping[str, object]) -> AnyPattern | None:
        """Return what is written there; None when only a call of its function knows it."""
        flags = 0
        try:
            for one in (*self.call.args[1:], *(word.value for word in self.call.keywords)):
                if isinstance(one, ast.Attribute | ast.BinOp) and ast.unparse(one).startswith(
                    "re."
                ):
                    flags |= _value(one, known)
            found: AnyPattern = re.compile(_value(self.call.args[0], known), flags)
        except NameError:
            return None
        return found


def _value(written: ast.expr, known: Mapping[str, object]) -> Any:
    return eval(ast.unparse(written), dict(known))  # of our own source


def sites(module: str, source: str) -> Iterator[Site]:
    """Yield the calls of `re` in a module; ValueError where it is imported under other names."""
    for statement in ast.parse(source).body:
        for node in ast.walk(statement):
            if isinstance(node, ast.ImportFrom) and node.module == "re":
                raise ValueError(f"{module}: write `import re`, else its patterns are not found.")
            if isinstance(node, ast.Import) and any(
                one.name == "re" and one.asname for one in node.names
            ):
                raise ValueError(f"{module}: write `import re`, else its patterns are not found.")
            if isinstance(node, ast.Call) and _of_re(node.func):
                yield Site(module, _owner(statement), node.lineno, node)


def _of_re(called: ast.expr) -> bool:
    named = isinstance(called, ast.Attribute) and called.attr in _CALLS
    return named and ast.unparse(called).startswith("re.")


def _owner(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0])
    if isinstance(statement, ast.AnnAssign):
        return ast.unparse(statement.target)
    return str(getattr(statement, "name", "?"))


def sources() -> dict[str, str]:
    """Return the text of every module that imports `re`, by its name below aiops_agent."""
    found = {}
    for file in sorted(ROOT.rglob("*.py")):
        text = file.read_text("utf-8")
        if re.search(r"^\s*(?:import re\b|from re\b)", text, re.MULTILINE):
            parts = file.relative_to(ROOT).with_suffix("").parts
            found[".".join(part for part in parts if part != "__init__")] = text
    return found


def namespace(module: str) -> Mapping[str, object]:
    """Return what a module knows."""
    return vars(importlib.import_module(f"aiops_agent.{module}"))


def methods(texts: Iterable[str]) -> dict[str, set[str]]:
    """Return by the name of each value which of its attributes are used."""
    found: dict[str, set[str]] = {}
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found.setdefault(node.value.id, set()).add(node.attr)
    return found


def held(how: Iterable[str]) -> str:
    """Return by which method a pattern is measured that is used in these ways."""
    used = set(how) - {"pattern", "flags", "groups"}
    return min(used) if used and used <= _AT_ONE_PLACE else ANYWHERE


def inside(path: str, value: object) -> Iterator[tuple[str, AnyPattern]]:
    """Yield the compiled patterns in a value, with where they are in it."""
    if isinstance(value, re.Pattern):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from inside(f"{path}[{key}]", item)
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from inside(f"{path}[{number}]", item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from inside(f"{path}.{field.name}", getattr(value, field.name))
