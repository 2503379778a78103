"""A script that answers by reading: it looks something up, then picks from the menus it was given.

No model and no knowledge of the shop: it scores each choice of an enumeration by the lines of the
material that name it, most by those that speak of trouble. It is as honest as it is simple, and it
is often wrong.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from aiops_agent.domain.value import Document, Json
from aiops_agent.simulator.provider.wire import Asked, Spoken, ToolCall

TROUBLE = re.compile(
    r"error|fail|slow|timeout|refus|exhaust|full|crash|restart|hang|rose|higher|above|worse"
    r"|\bup\b|alert|release|changed|->|→|latency|saturat",
    re.IGNORECASE,
)
NOTHING = re.compile(r"^(none|not_|not |no |unknown|unclear|abstain|nothing|other)", re.IGNORECASE)
IDENTIFIER = re.compile(r"^[a-z]{1,12}[-_:#]?\d{1,4}$", re.IGNORECASE)  # F1, finding-12
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
MOST_ITEMS = 3  # records in a list, when the schema allows more
MOST_WORDS = 200  # characters of a free text


@dataclass(frozen=True)
class ReadLines:
    """The material, line by line; `about` are the lines that the record now filled speaks of."""

    lines: tuple[str, ...]
    definitions: Document = field(default_factory=dict)
    about: tuple[str, ...] = ()
    taken: frozenset[str] = frozenset()  # ids that earlier records of a list have used

    def score(self, choice: str) -> float:
        """Return how much speaks for a choice; lines that are spoken of count most."""
        wanted = re.compile(rf"(?<![\w]){re.escape(choice)}(?![\w])", re.IGNORECASE)
        near = sum(20.0 for line in self.about if wanted.search(line))
        far = (1 + 3 * len(TROUBLE.findall(x)) for x in self.lines if wanted.search(x))
        return near + sum(far) / 10


def sensible(asked: Asked) -> Spoken:
    """Look something up once, if there is something to look up; then answer."""
    reading = ReadLines(_lines(asked))
    if asked.tools and not asked.results:
        tool = asked.tools[0]
        arguments = filled(tool.schema, replace(reading, definitions=_definitions(tool.schema)))
        return Spoken((ToolCall(tool.name, arguments),), thought="Scripted: look before answering.")
    return answered(asked, answer(asked))


def answer(asked: Asked) -> Json:
    """Return what the script would answer, as JSON for the schema that was asked for."""
    return filled(asked.schema, ReadLines(_lines(asked), _definitions(asked.schema)))


def answered(asked: Asked, value: Json) -> Spoken:
    """Return a value as the answer: by the tool that takes it, or as JSON text."""
    if asked.answer_tool:
        return Spoken((ToolCall(asked.answer_tool, value),))
    return Spoken(text=value if isinstance(value, str) else json.dumps(value))


def filled(schema: Document, reading: ReadLines) -> Json:
    """Return a value that fits a JSON schema, chosen by what was read."""
    schema = resolved(schema, reading.definitions)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _chosen(schema["enum"], reading)
    if "anyOf" in schema:
        return _either(schema, reading)
    kind = schema.get("type", "string")
    if kind == "object":
        return _record(schema, reading)
    if kind == "array":
        return _list(schema, reading)
    if kind in ("number", "integer"):
        return _number(schema, reading, whole=kind == "integer")
    if kind == "boolean":
        return bool(schema.get("default", False))
    return _words(schema, reading)


def resolved(schema: Document, definitions: Document) -> Document:
    """Follow a `$ref`."""
    if "$ref" in schema:
        return dict(definitions.get(str(schema["$ref"]).split("/")[-1], {}))
    return schema


def choices(schema: Json) -> Iterator[list[str]]:
    """Yield every enumeration of texts in a schema, outermost first."""
    if isinstance(schema, dict):
        if isinstance(found := schema.get("enum"), list):
            yield [str(one) for one in found]
        for one in schema.values():
            yield from choices(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from choices(one)


def _chosen(menu: list[Json], reading: ReadLines) -> Json:
    """Pick the choice that most speaks for; nothing speaks for any: the one that says so."""
    real = [one for one in menu if not NOTHING.match(str(one))]
    fresh = [one for one in real if str(one) not in reading.taken] or real
    scored = {str(one): reading.score(str(one)) for one in fresh}
    if scored and max(scored.values()) > 0:
        return max(fresh, key=lambda one: scored[str(one)])
    return next((one for one in menu if NOTHING.match(str(one))), menu[0])


def _either(schema: Document, reading: ReadLines) -> Json:
    if "default" in schema and not reading.about:
        return schema["default"]
    real = [one for one in schema["anyOf"] if one.get("type") != "null"]
    return filled(real[0], reading) if real else None


def _record(schema: Document, reading: ReadLines) -> Document:
    """Fill ids first: the lines that they stand in say what the other fields should be."""
    found: Document = {}
    fields: dict[str, Document] = schema.get("properties", {})
    for name in sorted(fields, key=lambda name: not _identifies(fields[name], reading)):
        found[name] = filled(fields[name], reading)
        if _identifies(fields[name], reading):
            ids = found[name] if isinstance(found[name], list) else [found[name]]
            about = tuple(x for one in ids for x in reading.lines if _names(x, str(one)))
            reading = replace(reading, about=about)
    return {name: found[name] for name in fields}


def _list(schema: Document, reading: ReadLines) -> list[Json]:
    item = resolved(schema.get("items", {}), reading.definitions)
    most = min(int(schema.get("maxItems", MOST_ITEMS)), MOST_ITEMS)
    least = int(schema.get("minItems", 0))
    if "enum" in item:
        most = max(min(most, 1), least)
    elif item.get("type") != "object":
        return [filled(item, reading) for _ in range(least)]
    found: list[Json] = []
    for _ in range(most):
        one = filled(item, reading)
        if one in found and len(found) >= least:
            break
        found.append(one)
        used = {text for text in _texts(one) if IDENTIFIER.match(text)}
        reading = replace(reading, taken=reading.taken | used)
    return found


def _number(schema: Document, reading: ReadLines, *, whole: bool) -> float | int:
    read = [float(one) for line in reading.about for one in NUMBER.findall(line)]
    value = read[0] if read else float(schema.get("default", 0.0) or 0.0)
    for name in ("minimum", "exclusiveMinimum"):
        value = max(value, float(schema.get(name, value)))
    value = min(value, float(schema.get("maximum", value)))
    return round(value) if whole else value


def _words(schema: Document, reading: ReadLines) -> str:
    if "default" in schema:
        return str(schema["default"])
    said = next(iter(reading.about), "") or next((x for x in reading.lines if x.strip()), "")
    most = min(int(schema.get("maxLength", MOST_WORDS)), MOST_WORDS)
    return f"Scripted: {said.strip()}"[:most]


def _identifies(schema: Document, reading: ReadLines) -> bool:
    """Whether a field picks from ids: such as F1, or a list of them."""
    schema = resolved(schema, reading.definitions)
    schema = resolved(schema.get("items", schema), reading.definitions)
    menu = [str(one) for one in schema.get("enum", ())]
    return bool(menu) and all(IDENTIFIER.match(one) for one in menu if not NOTHING.match(one))


def _names(line: str, choice: str) -> bool:
    return re.search(rf"(?<![\w]){re.escape(choice)}(?![\w])", line) is not None


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _definitions(schema: Document) -> Document:
    return dict(schema.get("$defs", {}))


def _lines(asked: Asked) -> tuple[str, ...]:
    texts = (*asked.said, *(text for _, text in asked.results))
    return tuple(line for text in texts for line in text.splitlines())
