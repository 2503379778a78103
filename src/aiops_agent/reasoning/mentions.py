"""What a sentence speaks of, and what it leaves out: "no restarts except on Tuesdays"."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# A clause that says when a rule holds, not whom it is about.
_CONDITION = re.compile(
    r"^\s*(?:with|given)\b[^,;:.]*,"
    r"|\b(?:while|when|whenever|if|as long as|until|because|since|during|unless|after|before|"
    r"in case|provided|that (?:call|need|use|depend)s?)\b[^,;:.]*"
    # And one that says why: "...: its database takes no more".
    r"|(?<=[,;:])\s*(?:as|its?|they|their|that|this|these|those|which|who)\b[^;:.]*",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:no|not|never|nobody|nothing|none|nor|neither|cannot|forbid\w*|prohibit\w*|frozen|banned|"
    r"freeze|refus\w+|off limits|without)\b|n't\b",
    re.IGNORECASE,
)
_WANTS = re.compile(
    r"\b(?:needs?|needed|requires?|required|asks?|wants?|waits?|signs?)\b", re.IGNORECASE
)
_MUST = re.compile(r"\b(?:must|has to|have to|shall)\b", re.IGNORECASE)
_ALLOWS = re.compile(
    r"\b(?:may|can|allowed|permitted|fine|free to|welcome|okay|all right|safe|encouraged)\b",
    re.IGNORECASE,
)
_EXCEPT = r"except(?:ing)?(?: for)?|other than|apart from|besides|unless|outside(?: of)?"
_FILLER = (
    r"(?:\s|,|-|\b(?:it|is|on|in|at|of|for|to|the|a|an|and|or|between|from|any|every|until)\b)*"
)
_EXCEPTED = re.compile(rf"\b(?:{_EXCEPT}){_FILLER}$", re.IGNORECASE)
_ONLY = re.compile(rf"\bonly{_FILLER}$", re.IGNORECASE)
_ONLY_AFTER = re.compile(
    r"^[\s,]*(?:(?:and|or)[^.;:]*)?\b(?:only|alone)\b(?!\s+(?:[a-z]+ly|on|in|at|between|from|by|with|"
    r"when|if|while|after|before|during|to|for|of|outside|until|over|under|above|below|\d))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mention:
    """A place in a sentence that names one of several: a day, a service; `covers` this plan's."""

    start: int
    end: int
    words: str
    covers: bool


@dataclass(frozen=True)
class Bearing:
    """What mentions of one sort say: `named` this plan's, or in `other` what is meant instead."""

    named: bool = False
    other: str = ""


def found(text: str, mentions: Sequence[Mention]) -> Bearing:
    """Tell whether a sentence that mentions these speaks of this plan, and leaves it out or not."""
    kept = [one for one in mentions if not _freed(text, one, mentions)]
    freed = [one for one in mentions if one not in kept]
    if any(one.covers for one in freed):
        return Bearing(other=f"it leaves out {_joined(one for one in freed if one.covers)}")
    if kept and not any(one.covers for one in kept):
        return Bearing(other=f"it speaks of {_joined(kept)}")
    return Bearing(named=bool(mentions))


def unconditional(text: str) -> str:
    """Return the text with its conditions blanked out, each place staying where it is."""
    return _CONDITION.sub(lambda clause: " " * len(clause.group()), text)


def permits(text: str) -> bool:
    """Whether a sentence only allows: it forbids nothing, limits nothing and wants nobody."""
    bounded = re.search(rf"\b(?:only|alone|{_EXCEPT})\b", text, re.IGNORECASE)
    return bool(_ALLOWS.search(text)) and not (_strict(text) or _MUST.search(text) or bounded)


def _strict(text: str) -> bool:
    return bool(_NEGATED.search(text) or _WANTS.search(text))


def _freed(text: str, mention: Mention, others: Sequence[Mention]) -> bool:
    """Whether the sentence takes the mention out of its rule.

    "No restarts except on X" and "restarts only on X" free X; "restarts are fine except on X" and
    "only on X are restarts forbidden" do not.
    """
    before, after = text[: mention.start], text[mention.end :]
    for one in others:  # "except on Mondays and Tuesdays": what stands between is filler
        if one.end <= mention.start:
            before = before[: one.start] + " " * (one.end - one.start) + before[one.end :]
    if opener := _EXCEPTED.search(before):
        rest = text[: opener.start()] + after
        return _strict(rest) or bool(_MUST.search(rest))
    if _ONLY.search(before) or _ONLY_AFTER.search(after):
        return not _strict(text)
    return False


def _joined(mentions: Iterable[Mention]) -> str:
    return ", ".join(sorted({one.words for one in mentions}))
