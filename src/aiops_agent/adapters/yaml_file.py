"""YAML files read as plain data, with the line and column of every key and value."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import yaml

from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.value import Document, Json

Place: TypeAlias = tuple[str | int, ...]  # ("server", "port"), ("policy", "freeze", 0, "days")

MAX_BYTES = 256 * 1024  # hand-written files are far smaller; aliases can make them explode
MAX_DEPTH = 20  # our own settings are far flatter
MAX_PLACES = 20_000  # an alias of aliases cannot grow beyond it
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The plain scalars of YAML 1.2: 16:00 and 2026-12-24 and `on` stay the texts that they look like.
_CONSTANTS: dict[str, Json] = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True)
class YamlFile:
    """What one file says; `marks` holds "file:line:column" of each key, by its place."""

    path: Path
    data: Document
    marks: dict[Place, str]


def read_yaml(path: Path) -> YamlFile:
    """Read a file whose top is a mapping; raises SettingsError with the place of what is wrong."""
    return _read(path, _text(path))


def _read(path: Path, text: str) -> YamlFile:
    marks: dict[Place, str] = {}
    node = _compose(path, text)
    if node is None:
        return YamlFile(path, {}, marks)
    if not isinstance(node, yaml.MappingNode):
        raise SettingsError(f"{_mark(path, node)}: expected `key: value` lines at the top.")
    return YamlFile(path, _Reader(path, marks).plain(node, ()), marks)


def read_page(path: Path) -> tuple[YamlFile, str]:
    """Read Markdown with YAML between two lines `---` on top; return that part and the rest.

    Raises SettingsError with the place of what is wrong.
    """
    front = re.match(r"---[ \t]*\r?\n(.*?\n)---[ \t]*(?:\r?\n|\Z)", text := _text(path), re.DOTALL)
    if front is None:
        raise SettingsError(f"{path}:1:1: expected `---`, lines `key: value` and `---` on top.")
    return _read(path, f"---\n{front[1]}"), text[front.end() :]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise SettingsError(f"{path} is larger than {MAX_BYTES // 1024} KiB.")
        return content.decode("utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text (byte {error.start}).") from error


def _compose(path: Path, text: str) -> yaml.Node | None:
    try:
        composed: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError) as error:
        raise SettingsError(_syntax(path, error)) from error
    return composed


def _syntax(path: Path, error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "nested too deep"
    where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    return f"{path}{where}: not YAML: {problem}."


def _mark(path: Path, node: yaml.Node) -> str:
    return f"{path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


@dataclass(frozen=True)
class _Reader:
    path: Path
    marks: dict[Place, str]

    def plain(self, node: yaml.Node, place: Place) -> Json:
        if len(place) > MAX_DEPTH:  # also the end of an alias that contains itself
            raise SettingsError(f"{_mark(self.path, node)}: nested deeper than {MAX_DEPTH} levels.")
        if len(self.marks) > MAX_PLACES:
            raise SettingsError(f"{self.path} holds more than {MAX_PLACES} values.")
        self.marks.setdefault(place, _mark(self.path, node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, (*place, i)) for i, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> Document:
        read: Document = {}
        for key, value in node.value:
            mark = _mark(self.path, key)
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if not isinstance(name, str) or name == "<<":
                raise SettingsError(f"{mark}: a key must be a plain word.")
            if name in read:
                raise SettingsError(f"{mark}: duplicate key `{name}`.")
            self.marks[(*place, name)] = mark
            read[name] = self.plain(value, (*place, name))
        return read

    def _scalar(self, node: yaml.Node) -> Json:
        text: str = node.value
        if node.tag.startswith("!"):
            raise SettingsError(f"{_mark(self.path, node)}: the tag {node.tag} is not known.")
        if getattr(node, "style", None):  # quoted
            return text
        if text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _NUMBER.fullmatch(text) else text
