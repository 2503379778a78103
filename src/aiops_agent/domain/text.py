"""Untrusted text made harmless: what other systems wrote, fit for a screen, a log or a report."""

import re
import shlex
import unicodedata

ELLIPSIS = "…"
_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# Printable by Unicode's category, yet nothing is seen: selectors, joiners and fillers hide data.
_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
# Most of what is ever written: these blocks hold no mark that combines and nothing hidden.
_COMMON = re.compile("[ -\u02ff\u2010-\u205f\u2190-\u22ff]*")
_MARKS_IN_A_ROW = 3  # more of them pile up over the lines around
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&$!])")
_AUTOLINK = re.compile(r"(?i)(://|\bmailto:|\bxmpp:|\bwww\.)")
_BLOCK_START = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))")


def safe(text: str, *, lines: bool = False, limit: int | None = None) -> str:
    """Return `text` with everything invisible, commanding or reordering shown as an escape.

    With `lines`, newlines and tabs stay. At most `limit` characters, the last one `…` when cut.
    """
    if not (text.isprintable() and _COMMON.fullmatch(text)):
        text = "".join(_pieces(text, "\n\t" if lines else ""))
    return cut(text, limit)


def cut(text: str, limit: int | None) -> str:
    """Return at most `limit` characters of `text`; a cut shows as `…`."""
    if limit is None or len(text) <= limit:
        return text
    return text[: max(limit - 1, 0)] + ELLIPSIS


def markdown(text: str, *, limit: int | None = None) -> str:
    """Return `text` as inline Markdown that reads as it was written: no markup, no link."""
    escaped = _MARKDOWN.sub(r"\\\1", safe(text, limit=limit))
    return _AUTOLINK.sub(_break_link, escaped)


def unblocked(inline: str) -> str:
    """Return inline Markdown so that it opens no list and no rule at the start of a line."""
    return _BLOCK_START.sub(_break_block, inline)


def shell(*words: str) -> str:
    """Return words as one line for a shell, each read as it stands, also with `$(...)` in it."""
    return shlex.join(words)


def code(text: str, *, limit: int | None = None) -> str:
    """Return `text` as a Markdown code span, whatever backticks it holds."""
    inner = safe(text, limit=limit)
    longest = max((len(run) for run in re.findall("`+", inner)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if "`" in inner or not inner.strip() else ""
    return f"{fence}{pad}{inner}{pad}{fence}"


def _pieces(text: str, kept: str) -> list[str]:
    pieces, marks = [], 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        seen = char.isprintable() and not _HIDDEN.match(char) and marks <= _MARKS_IN_A_ROW
        if seen or char in kept:
            pieces.append(char)
        elif unicodedata.category(char) == "Zs":
            pieces.append(" ")
        else:
            pieces.append(_escape(char))
    return pieces


def _escape(char: str) -> str:
    code_point = ord(char)
    if char in _NAMED:
        return _NAMED[char]
    return f"\\x{code_point:02x}" if code_point < 0x100 else f"\\u{{{code_point:x}}}"


def _break_link(match: re.Match[str]) -> str:
    return re.sub(r"([:.])", r"\\\1", match[0], count=1)


def _break_block(match: re.Match[str]) -> str:
    indent, start = match[1], match[2]
    return f"{indent}{start}\\" if start.isdigit() else f"{indent}\\{start}"
