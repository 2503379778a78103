"""A page of chapters as data, and its one way into Markdown: every text is escaped there."""

import re
from dataclasses import dataclass
from typing import TypeAlias

from aiops_agent.domain.text import code, markdown, safe, unblocked
from aiops_agent.domain.value import Document

NOTHING = "nothing known"
_LONGEST = 2000  # characters of one piece of text: a page must stay readable whatever was sent


@dataclass(frozen=True)
class Code:
    """Text shown as it would be typed."""

    text: str


@dataclass(frozen=True)
class Ref:
    """A link to a heading of the same page; the only kind of link there is."""

    text: str
    anchor: str


Piece: TypeAlias = str | Code | Ref
Line: TypeAlias = str | tuple[Piece, ...]


@dataclass(frozen=True)
class Table:
    """Rows under heads; `name` is the key in the JSON form."""

    name: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True)
class Chapter:
    """A heading with sentences, points, a table and chapters below it, each possibly empty."""

    key: str
    title: str
    sentences: tuple[Line, ...] = ()
    points: tuple[Line, ...] = ()
    table: Table | None = None
    parts: tuple["Chapter", ...] = ()

    def markdown(self, level: int = 2) -> str:
        """Return the chapter in Markdown; an empty one says that nothing is known."""
        blocks = [f"{'#' * level} {markdown(self.title)}"]
        told = self.table.rows if self.table else ()
        if not (self.sentences or self.points or told or self.parts):
            blocks.append(f"_{NOTHING}_")
        if self.sentences:
            blocks.append(" ".join(unblocked(_inline(line)) for line in self.sentences))
        if self.points:
            blocks.append("\n".join(f"- {unblocked(_inline(line))}" for line in self.points))
        if self.table and self.table.rows:
            heads = self.table.heads
            rows = [[_inline(line, cell=True) for line in row] for row in self.table.rows]
            lines = (heads, ["---" for _ in heads], *rows)
            blocks.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
        blocks += [part.markdown(level + 1) for part in self.parts]
        return "\n\n".join(blocks)

    def document(self) -> Document:
        """Return the same as JSON data."""
        told: Document = {"title": safe(self.title)}
        if self.sentences:
            told["text"] = " ".join(_plain(line) for line in self.sentences)
        if self.points:
            told["points"] = [_plain(line) for line in self.points]
        if self.table:
            heads, rows = self.table.heads, self.table.rows
            told[self.table.name] = [
                dict(zip(heads, map(_plain, row), strict=True)) for row in rows
            ]
        return told | {part.key: part.document() for part in self.parts}


def finding_title(number: int, finding: str) -> str:
    """Return the heading of a finding of an attempt; `references` links to it."""
    return f"{finding}, attempt {number}"


def references(number: int, findings: tuple[str, ...]) -> tuple[Piece, ...]:
    """Return links to findings of an attempt: ` (E1, E2)`; nothing when there are none."""
    pieces: list[Piece] = []
    for finding in findings:
        # As Markdown viewers make an anchor of a heading: punctuation goes, spaces become dashes.
        title = re.sub(r"[^a-z0-9 ]", "", finding_title(number, finding).lower())
        pieces += [", " if pieces else " (", Ref(finding, title.replace(" ", "-"))]
    return (*pieces, ")") if pieces else ()


def _pieces(line: Line) -> tuple[Piece, ...]:
    return (line,) if isinstance(line, str) else line


def _inline(line: Line, *, cell: bool = False) -> str:
    made = []
    for piece in _pieces(line):
        match piece:
            case Code(text):
                shown = code(text, limit=_LONGEST)
                # Inside a table even a code span must not hold a bare pipe.
                made.append(shown.replace("|", r"\|") if cell else shown)
            case Ref(text, anchor):
                made.append(f"[{markdown(text)}](#{anchor})")
            case _:
                made.append(markdown(piece, limit=_LONGEST))
    return "".join(made)


def _plain(line: Line) -> str:
    texts = (piece if isinstance(piece, str) else piece.text for piece in _pieces(line))
    return safe("".join(texts), limit=_LONGEST)
