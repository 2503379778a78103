"""Does a text tell its reader what to do? Telemetry reports; a line that gives orders is a finding.

A hint for people, never a control: what keeps orders from being followed is that a model can only
pick from menus that code filled, and that a person approves. So it may miss; it must not cry wolf.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from aiops_agent.domain.alert import IncidentAlert
from aiops_agent.domain.diagnosis import Finding
from aiops_agent.domain.telemetry import LogLine, ServiceName
from aiops_agent.domain.text import safe
from aiops_agent.reasoning.order_patterns import LOOKS_LIKE, LOUD, PAIRS, QUIET, may_order

_LONGEST = 4000  # characters that are looked at; a model is shown fewer
_ENOUGH = 3  # hints of different kinds
_UNSEEN = re.compile(
    "[\u00ad\u034f\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_TAGS = re.compile("[\U000e0020-\U000e007e]")  # letters that nobody sees and a model reads
_SPACED = re.compile(r"(?:\b\w[ ._\-*]){5,60}\w\b")
_ORDERED = tuple(
    (word, re.compile(f"(?i){word}"))
    for word in (
        *("ignore", "disregard", "forget", "all", "previous", "prior", "above"),
        *("instructions", "rules", "and", "your", "system"),
    )
)
_LEET = str.maketrans("013457@$!", "oleastasi")
_CODED = re.compile(r"[A-Za-z0-9+/_\-]{24,2000}={0,2}")
_HEXED = re.compile(r"(?:[0-9a-fA-F]{2}){16,500}")
_ESCAPED = re.compile(r"%[0-9a-fA-F]{2}|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|&#x?[0-9a-fA-F]{2,5};")


@dataclass(frozen=True)
class Order:
    """An attempt to give orders: what it does, and where in the text."""

    what: str
    quote: str


def order_in(text: str) -> Order | None:
    """Return what in the text tries to give orders, also when it is disguised; None if nothing."""
    text = text[:_LONGEST]
    for spelling in _spellings(text):
        if found := _read(spelling):
            return found
    return None


def finding(
    lines: Iterable[LogLine], alerts: Iterable[IncidentAlert], service: ServiceName, number: int
) -> Finding | None:
    """Return the finding that telemetry tries to give orders, None when nothing does."""
    said = dict.fromkeys((line.service, line.text[:_LONGEST]) for line in lines)
    found = [("log", of, order) for of, text in said if (order := order_in(text))]
    for alert in alerts:
        texts = [text for _, brought in alert.brought for text in brought]
        found += [("alert", service, order) for text in texts if (order := order_in(text))]
    if not found:
        return None
    source, of, order = found[0]
    what = f"{source}: a line tries to give orders ({order.what})"
    return Finding(
        id=f"E{number}",
        service=of,
        what=safe(what, limit=100),
        before="0",
        now=f"{len(found)} {'line' if len(found) == 1 else 'lines'}",
        source="logs" if source == "log" else "alert",
        query=safe(order.quote, limit=120),
        changed=True,
    )


def _read(text: str) -> Order | None:
    if not may_order(text):
        return None
    for what, pattern in LOUD:
        if match := pattern.search(text):
            return Order(what, match[0])
    hints = [(what, match) for what, pattern in QUIET if (match := pattern.search(text))]
    names = {what for what, _ in hints}
    if len(names) >= _ENOUGH or any(pair <= names for pair in PAIRS):
        first = min(hints, key=lambda hint: hint[1].start())
        return Order(" and ".join(sorted(names)), first[1][0])
    return None


def _spellings(text: str) -> Iterable[str]:
    """Yield the text, and what it says once a disguise is taken off; most lines wear none."""
    yield text
    plain = text
    if not text.isascii():
        tagged = "".join(chr(ord(one) - 0xE0000) for one in _TAGS.findall(text))
        plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", _TAGS.sub("", text)))
        plain = "".join(LOOKS_LIKE.get(char, char) for char in plain)
        yield from (one for one in (plain, tagged) if one and one != text)
    if re.search(r"\w[_\-]\w", plain):
        yield re.sub(r"(?<=[A-Za-z])[_\-](?=[A-Za-z])", " ", plain)
    if _ESCAPED.search(plain):
        yield _ESCAPED.sub(_unescaped, plain)
    if spaced := _SPACED.findall(plain):
        joined = " ".join(re.sub(r"[ ._\-*]", "", one) for one in spaced)
        yield _spread(joined)
    if re.search(r"[a-zA-Z][013457@$!]{1,2}[a-zA-Z]", plain):
        yield plain.translate(_LEET)
    for match in _CODED.finditer(plain):
        yield from _decoded(match[0])
    if "ignore" not in plain and "erongi" in plain.lower():
        yield plain[::-1]


def _spread(joined: str) -> str:
    """Return letters that stood alone as words again, as far as the words that matter go."""
    for word, pattern in _ORDERED:
        joined = pattern.sub(f" {word} ", joined)
    return " ".join(joined.split())


def _unescaped(match: re.Match[str]) -> str:
    code = match[0]
    base = 10 if code.startswith("&#") and code[2:3].lower() != "x" else 16
    return chr(int(re.sub(r"^(?:%|\\x|\\u|&#x?)|;$", "", code), base) or 32)


def _decoded(word: str) -> Iterable[str]:
    """Yield what is written in base64 or hex, if that is a text."""
    readings = [bytes.fromhex(word)] if _HEXED.fullmatch(word) else []
    try:
        padded = word.rstrip("=") + "=" * (-len(word.rstrip("=")) % 4)
        readings.append(base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True))
    except binascii.Error:
        pass  # not base64, after all
    for reading in readings:
        text = reading.decode("utf-8", "replace")
        if text.isprintable() and " " in text and "\ufffd" not in text:
            yield text
