"""A script that answers by reading: it looks something up, then picks from the menus it was given.

No model and no knowledge of the shop: it scores each choice of an enumeration by the lines of the
material that name it, most by those that speak of trouble. It is as honest as it is simple, and it
is often wrong.
"""

import json
import re
from collections.abc import Iterator, Mapping
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
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?![\w.]*\d)")
MOVED = re.compile(r"(?:->|→)")  # between what was and what is
QUANTITY = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(?!\.?\d) ?(ms|[kM]\b)?")
UNITS = {"ms": 0.001, "k": 1000.0, "M": 1e6}  # what a number's unit makes of it
HELPED = re.compile(r": recovered|fixed|it helped", re.IGNORECASE)
IN_VAIN = re.compile(r"not[_ ]recovered|not help|in vain|unchanged;", re.IGNORECASE)
FENCE = re.compile(r"^<<<?(?:.*from \"(.*)\")?")  # around a passage, with where it comes from
SENTENCE = re.compile(r"[^.!?]+[.!?]?")
DAY = re.compile(r"\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b", re.IGNORECASE)
FORBIDS = re.compile(r"^(no|never|do not)\b", re.IGNORECASE)
WORD_FOR_WORD = "word for word"  # so a schema says that a text is a quotation
# What a reader knows to be the same.
ALSO = {
    "traffic": ("requests per second", "request"),
    "errors": ("error share",),
    "cache_hits": ("cache hit",),
    "pool": ("connections in use", "connections"),
    "pool_wait": ("wait for a connection",),
    "replicas": ("ready replicas",),
    "change": ("release", "config", "changed from"),
}
MEANING = re.compile(r"^- ([\w -]+): (.+)$", re.MULTILINE)  # a choice, explained by instructions
MOST_ITEMS = 3  # records in a list, when the schema allows more
MOST_WORDS = 200  # characters of a free text


@dataclass(frozen=True)
class ReadLines:
    """The material, line by line; `about` are the lines that the record now filled speaks of."""

    lines: tuple[str, ...]
    definitions: Document = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)  # of choices, as instructed
    rules: tuple[str, ...] = ()  # the sentences of pages of policy
    about: tuple[str, ...] = ()
    taken: frozenset[str] = frozenset()  # ids that earlier records of a list have used

    def score(self, choice: str) -> float:
        """Return how much speaks for a choice; lines that are spoken of count most."""
        wanted = _spelled(choice)
        found = [one.start() for line in self.about if (one := wanted.search(line))]
        near = sum(20.0 + 10.0 / (1 + start) for start in found)  # what is named first, is meant
        said = [x for x in self.lines if wanted.search(x)]
        far = sum(1 + 3 * len(TROUBLE.findall(wanted.sub("", x))) for x in said)
        past = sum(bool(HELPED.search(x)) - 2 * bool(IN_VAIN.search(x)) for x in said)
        return near + far / 10 + 3 * past + self._meant(choice)

    def _meant(self, choice: str) -> float:
        """Count the words of a choice's meaning in lines of trouble, rare words for most."""
        words = {word[:6] for word in re.findall(r"[a-z]{5,}", self.meanings.get(choice, ""))}
        troubled = [x.lower() for x in self.lines if MOVED.search(x) and "unchanged" not in x]
        counted = (sum(word in line for line in troubled) for word in words)
        # A word that stands in most lines tells nothing.
        return sum(min(count, 3) for count in counted if count <= len(troubled) / 2)


def sensible(asked: Asked) -> Spoken:
    """Look something up once, if there is something to look up; then answer."""
    if asked.tools and not asked.results:
        tool = asked.tools[0]
        arguments = filled(tool.schema, _read(asked, tool.schema))
        return Spoken((ToolCall(tool.name, arguments),), thought="Scripted: look before answering.")
    return answered(asked, answer(asked))


def answer(asked: Asked) -> Json:
    """Return what the script would answer, as JSON for the schema that was asked for."""
    return filled(asked.schema, _read(asked, asked.schema))


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
    if {"up", "down"} <= set(map(str, menu)):
        return _way(menu, reading)
    if {"ask", "deny"} <= set(map(str, menu)):
        return "deny" if any(FORBIDS.match(one) for one in reading.about) else "ask"
    real = [one for one in menu if not NOTHING.match(str(one))]
    fresh = [one for one in real if str(one) not in reading.taken] or real
    scored = {str(one): reading.score(str(one)) for one in fresh}
    if scored and max(scored.values()) > 0:
        return max(fresh, key=lambda one: scored[str(one)])
    return next((one for one in menu if NOTHING.match(str(one))), menu[0])


def _way(menu: list[Json], reading: ReadLines) -> Json:
    """Pick the direction in which the numbers of the line went that is spoken of."""
    moved = next(filter(None, map(_moves, reading.about)), None)
    if "new" in menu and (moved is None or not moved[0]):
        return "new"
    if moved is None:
        return menu[0]
    before, now = moved
    same = "same" in menu and any("unchanged" in line for line in reading.about)
    return "same" if same else "up" if now >= before else "down"


def _either(schema: Document, reading: ReadLines) -> Json:
    kinds = {one.get("type"): one for one in schema["anyOf"]}
    number = kinds.get("number") or kinds.get("integer")
    if "null" in kinds and number and not any(m and m[0] for m in map(_moves, reading.about)):
        return None
    if "default" in schema and not reading.about:
        return schema["default"]
    real = [one for kind, one in kinds.items() if kind != "null"]
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
    if WORD_FOR_WORD in str(item.get("properties")):
        return [_record(item, replace(reading, about=(one,))) for one in _broken_rules(reading)]
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


def _broken_rules(reading: ReadLines) -> list[str]:
    """Return the sentences of policy that speak of the plan, and of today if of any day."""
    text = "\n".join(reading.lines).lower()
    plan = next(iter(reading.lines), "").lower()  # the first line that is no policy
    named = {word[:6] for word in re.findall(r"[a-z]{4,}", plan.partition(":")[0])}
    found = []
    for rule in reading.rules:
        days = [day.lower() for day in DAY.findall(rule)]
        today = not days or any(f"{day}day" in text for day in days)
        if today and any(word in rule.lower() for word in named):
            found.append(rule.strip())
    return found[:MOST_ITEMS]


def _number(schema: Document, reading: ReadLines, *, whole: bool) -> float | int:
    """Read a number from the line that is spoken of: of two, the second by the first."""
    moved = next(filter(None, map(_moves, reading.about)), None)
    read = [float(one.replace(",", "")) for x in reading.about for one in NUMBER.findall(x)]
    value = read[0] if read else float(schema.get("default", 0.0) or 0.0)
    if moved and moved[0]:
        value = round(moved[1] / moved[0], 2)
    for name in ("minimum", "exclusiveMinimum"):
        value = max(value, float(schema.get(name, value)))
    value = min(value, float(schema.get("maximum", value)))
    return round(value) if whole else value


def _words(schema: Document, reading: ReadLines) -> str:
    if "default" in schema:
        return str(schema["default"])
    if WORD_FOR_WORD in str(schema.get("description")):
        return next(iter(reading.about), "")
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


def _read(asked: Asked, schema: Document) -> ReadLines:
    texts = (*asked.said, *(text for _, text in asked.results))
    lines, origin = [], ""
    rules: list[str] = []
    for line in (line for text in texts for line in text.splitlines()):
        if fence := FENCE.match(line):
            origin = fence[1] or ""
            continue
        words = line.removeprefix("| ").strip()
        if origin.startswith("policy"):
            rules += [one for one in SENTENCE.findall(words) if not one.startswith("#")]
        else:
            lines.append(words)
    meanings = {name: text.lower() for name, text in MEANING.findall(asked.system)}
    return ReadLines(tuple(lines), dict(schema.get("$defs", {})), meanings, tuple(rules))


def _spelled(choice: str) -> re.Pattern[str]:
    """Return what finds a choice in a line, also in other words and without its plural."""
    stems = [choice.removesuffix("s"), *ALSO.get(choice, ())]
    spelled = "|".join(re.escape(stem).replace("_", "[ _]") for stem in stems)
    return re.compile(rf"(?<![\w-])(?:{spelled})s?(?![\w-])", re.IGNORECASE)


def _moves(line: str) -> tuple[float, float] | None:
    """Return the last number before an arrow and the first behind it, in the same unit."""
    before, arrow, after = line.partition("->") if "->" in line else line.partition("→")
    found = [
        [float(n.replace(",", "")) * UNITS.get(unit, 1.0) for n, unit in QUANTITY.findall(side)]
        for side in (before, after)
    ]
    return (found[0][-1], found[1][0]) if arrow and all(found) else None
