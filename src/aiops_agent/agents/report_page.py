"""A page of chapters as data, and its one way into Markdown: every text is escaped there."""

from dataclasses import dataclass, field
from typing import TypeAlias

from aiops_agent.domain.text import code, markdown, safe, unblocked
from aiops_agent.domain.value import Document, Json

NOTHING = "nothing known"
_LONGEST = 2000  # characters of one piece of text


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
Line: TypeAlias = tuple[Piece, ...]


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
    parts: tuple["Chapter", ...] = field(default=())

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        rows = self.table.rows if self.table else ()
        return not (self.sentences or self.points or rows or self.parts)

    def markdown(self, level: int = 2) -> str:
        """Return the chapter in Markdown; an empty one says that nothing is known."""
        blocks = [f"{'#' * level} {markdown(self.title)}"]
        if self.empty:
            blocks.append(f"_{NOTHING}_")
        if self.sentences:
            blocks.append(" ".join(_inline(line) for line in self.sentences))
        if self.points:
            blocks.append("\n".join(f"- {_inline(line)}" for line in self.points))
        if self.table and self.table.rows:
            blocks.append(_table(self.table))
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
            told[self.table.name] = [_record(self.table.heads, row) for row in self.table.rows]
        told |= {part.key: part.document() for part in self.parts}
        return told


def _inline(line: Line) -> str:
    return unblocked("".join(_piece(piece) for piece in line))


def _piece(piece: Piece) -> str:
    match piece:
        case Code(text):
            return code(text, limit=_LONGEST)
        case Ref(text, anchor):
            return f"[{markdown(text)}](#{anchor})"
        case _:
            return markdown(piece, limit=_LONGEST)


def _plain(line: Line) -> str:
    texts = (piece if isinstance(piece, str) else piece.text for piece in line)
    return safe("".join(texts), limit=_LONGEST)


def _table(table: Table) -> str:
    rows = [" | ".join(_cell(line) for line in row) for row in table.rows]
    heads, rule = " | ".join(table.heads), " | ".join("---" for _ in table.heads)
    return "\n".join(f"| {row} |" for row in (heads, rule, *rows))


def _cell(line: Line) -> str:
    # Inside a table even a code span must not hold a bare pipe.
    pieces = (_piece(p).replace("|", r"\|") if isinstance(p, Code) else _piece(p) for p in line)
    return "".join(pieces)


def _record(heads: tuple[str, ...], row: tuple[Line, ...]) -> Json:
    return {head: _plain(line) for head, line in zip(heads, row, strict=True)}
