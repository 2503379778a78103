"""A page of policy as sentences: a quote means what its whole sentence means, not what is cut."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from aiops_agent.domain.value import Value

_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_HEADING = re.compile(r"^\s*#{1,6}\s+")
_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(]?[A-Z0-9])")
_MARKS = re.compile(r"\*+|`+|(?<!\w)_+|_+(?!\w)")  # of Markdown; pool_size keeps its own
_TYPED = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " "})


class PolicyText(Value):
    """A page of policy that people wrote; `name` is its file's."""

    name: str
    text: str


@dataclass(frozen=True)
class Sentence:
    """One sentence of a page; `lead` is the line before its list, `heading` the nearest above."""

    text: str
    lead: str = ""
    heading: str = ""

    @property
    def whole(self) -> str:
        """The sentence with what its list begins with."""
        return f"{self.lead} {self.text}".strip()


def plain(text: str) -> str:
    """Return a text in one line, without marks of Markdown and with plain quotes and dashes."""
    bare = _HEADING.sub("", _ITEM.sub("", text)).removeprefix("> ")
    return " ".join(_MARKS.sub("", bare).translate(_TYPED).split())


@lru_cache(maxsize=256)
def sentences(page: PolicyText) -> tuple[Sentence, ...]:
    """Return the sentences of a page in their order."""
    return tuple(
        Sentence(text, lead, heading)
        for block, lead, heading in _blocks(page.text)
        for text in _END.split(plain(block))
        if text
    )


def standing(quote: str, page: PolicyText) -> tuple[Sentence, ...]:
    """Return the places where a quote stands on a page, each with its whole sentence or sentences.

    Marks, line breaks and capitals do not matter; every word does, and words are not cut.
    """
    said = sentences(page)
    wanted = plain(quote).strip("\"' ").lower()
    text, starts = "", []
    for one in said:
        starts.append(len(text))
        text += f"{one.text.lower()} "
    found = []
    for place in re.finditer(rf"(?<!\w){re.escape(wanted)}(?!\w)", text) if wanted else ():
        over = [
            one
            for one, start in zip(said, starts, strict=True)
            if start < place.end() and place.start() < start + len(one.text)
        ]
        if over:
            joined = " ".join(one.text for one in over)
            found.append(Sentence(joined, over[0].lead, over[0].heading))
    return tuple(found)


def _blocks(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield each paragraph, item and heading, with the line that leads its list and its heading."""
    lead = heading = ""
    lines: list[str] = []
    item = False

    def ended() -> Iterator[tuple[str, str, str]]:
        nonlocal lead
        if lines:
            block = "\n".join(lines)
            yield block, lead if item else "", heading
            if not item:
                lead = plain(block) if block.rstrip("* ").endswith(":") else ""
            lines.clear()

    for line in text.splitlines():
        begins = bool(_ITEM.match(line))
        if _HEADING.match(line):
            yield from ended()
            heading, lead, item = plain(line), "", False
            yield line, "", ""
        elif not line.strip() or begins:
            yield from ended()
            if begins:
                item = True
                lines.append(line)
        else:
            # After an empty line a text that is no item ends the list.
            item = item and bool(lines)
            lines.append(line)
    yield from ended()
