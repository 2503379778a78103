"""Untrusted text on its way to a language model: redacted, cut, made harmless, marked.

Such text stands between a line that names its origin and an end mark, each of its lines behind a
bar. It cannot forge either: it begins no line, and what marks are made of is broken inside it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.text import ELLIPSIS, cut, safe

BAR = "| "
END = "<<<end>>>"
_LONGEST_ORIGIN = 80  # characters
_SHORTEST = 40  # characters of a block's text; less says nothing
_ROOM = 4  # times its share of a text is looked at, at most: the rest never shows
_EDGE = 1000  # characters
_FIRST_LOOK = 3000  # characters that are looked at in any case
# What marks of ours and of chat templates are made of. A local model's server may read the latter
# as its own, wherever they stand.
_MARKS = re.compile(
    r"<(?=[<|])|\|(?=>)|>(?=>)|<(?=/?s>|/?(?:start|end)_of_turn|bos>|eos>|/?think|/?tool_call)"
    r"|\[(?=/?INST\]|(?:AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])|(?<=<)\uff5c"
)
_BREAK = "\u00b7"  # seen by the reader, part of no mark


@dataclass(frozen=True)
class Passage:
    """A text that others wrote, and where it came from: "log of payments", "a person's note"."""

    origin: str
    text: str


def wrapped(passages: Iterable[Passage], limit: int, redactor: Redactor | None = None) -> str:
    """Return the passages as one text of at most `limit` characters, fit for a prompt.

    Neighbours of one origin share a block. Each block gets an equal share of the room, and what
    one leaves over serves the others; what found no room is counted in the last line.
    """
    redactor = redactor if redactor is not None else Redactor()
    grouped = groupby(passages, key=lambda one: _origin(one.origin, redactor))
    blocks = [(origin, [one.text for one in some]) for origin, some in grouped]
    fixed = [len(_framed(origin, "")) for origin, _ in blocks]
    kept = len(blocks)
    while kept and sum(fixed[:kept]) + kept * _SHORTEST + len(_left_out(len(blocks))) > limit:
        kept -= 1
    note = _left_out(len(blocks) - kept) if kept < len(blocks) else ""
    room = limit - len(note) - sum(fixed[:kept])
    bodies = [_body(texts, room, redactor) for _, texts in blocks[:kept]]
    shares = _shares([len(body) for body in bodies], room)
    framed = [
        _framed(origin, _fitted(body, share))
        for (origin, _), body, share in zip(blocks[:kept], bodies, shares, strict=True)
    ]
    return cut("".join(framed) + note, limit).rstrip("\n") if limit > 0 else ""


def harmless(text: str, redactor: Redactor | None = None, limit: int | None = None) -> str:
    """Return one untrusted text for use inside a line of a prompt: redacted, and no mark."""
    redactor = redactor if redactor is not None else Redactor()
    return cut(_broken(safe(_redacted(text, limit or len(text), redactor))), limit)


def _origin(origin: str, redactor: Redactor) -> str:
    return harmless(origin, redactor, _LONGEST_ORIGIN).replace('"', "'") or "unknown"


def _framed(origin: str, body: str) -> str:
    return f'<<<untrusted text, from "{origin}">>>\n{body}\n{END}\n'


def _left_out(count: int) -> str:
    return f"({count} more left out: no room)\n"


def _body(texts: Sequence[str], room: int, redactor: Redactor) -> str:
    """Return the lines of a block, at least as many of them as there can be room for."""
    lines: list[str] = []
    length = 0
    for text in texts:
        if length > room:
            break
        # What has no room is left out before it is looked at letter by letter.
        seen = _redacted(text, room - length, redactor)[: max(room - length, 0) + 1]
        clean = [_broken(safe(line, lines=True)) for line in seen.split("\n")]
        lines += [BAR + line for line in clean]
        length += len(seen)
    return "\n".join(lines)


def _redacted(text: str, room: int, redactor: Redactor) -> str:
    """Return what of the text may be shown, without its secrets.

    They are taken out before it is cut: half a secret no longer looks like one.
    """
    looked_at = max(_ROOM * room, _FIRST_LOOK)
    if len(text) <= looked_at:
        return redactor.clean(text).text
    # What stands at the edge may be half a secret, too.
    return redactor.clean(text[:looked_at]).text[:-_EDGE] + " …"


def _broken(text: str) -> str:
    return _MARKS.sub(lambda match: match[0] + _BREAK, text)


def _shares(lengths: Sequence[int], room: int) -> list[int]:
    """Return how much each may take: all it needs, or an equal part of what the short leave."""
    shares = [0] * len(lengths)
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    for done, index in enumerate(order):
        shares[index] = min(lengths[index], max(room, 0) // (len(order) - done))
        room -= shares[index]
    return shares


def _fitted(body: str, share: int) -> str:
    """Return at most `share` characters of a block; no line is left without its bar."""
    shown = cut(body, share)
    kept, _, last = shown.rpartition("\n")
    return shown if last.startswith(BAR) or not kept else kept + ELLIPSIS
