"""What no longer happens inside a kind of request, and what fails there that used to work?

Source: that an event which stays away or is new inside a kind of request shows the fault is
Nezha's (FSE'23). Size times certainty, and that a mere move to another branch does not count, are
ours.
"""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from aiops_agent.domain.quantity import amount
from aiops_agent.domain.telemetry import Signal
from aiops_agent.reasoning.observations import Bools, Floats, Ints, Observations
from aiops_agent.reasoning.requests import Told

LONGEST = 240  # characters: what tells one kind of line from another stands at its head
HEAD = 160  # the rest of it is values
PREFIX = 40  # characters that hold moment, level and logger; a colon there ends nothing
_IDS = re.compile(r"[iI][dD][:=] ?\S+ ?")  # values of whatever is called an id
_VALUE = re.compile(r": |[={'\uff1a]|:\"")
_HEX = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,}|\b[0-9a-fA-F]{8,}\b")
_DIGITS = b"0123456789"
# Words that loggers of any language use of what failed.
_BAD = re.compile(
    r"\b(?:ERROR|FATAL|SEVERE|CRITICAL|PANIC|Exception|Traceback|fail(?:ed|ure)?)\b", re.IGNORECASE
)
MANY_DIGITS = 14  # are an identifier, whose letters vary as well
LOST = 2.5  # standard errors: among hundreds of events some stay away by chance
BAD = 1.5  # less, since the words are a sign of their own
LARGE = 0.1  # of the requests; a smaller change, however certain, hurts few
FEW = 2.0  # standard errors at which certainty counts half


@dataclass(frozen=True)
class Different:
    """Work that stays away or fails inside a service's requests; `strength` is in 0..1."""

    strength: float
    words: str


def template(line: str) -> str:
    """Return the constant head of a line: identifiers, digits and values cut off."""
    head = _IDS.sub("", line[:LONGEST])
    value = _VALUE.search(head, PREFIX)
    head = head[: min(value.start() if value else HEAD, HEAD)]
    plain = _without_digits(head)
    if len(head) - len(plain) <= MANY_DIGITS:
        return plain
    return _without_digits(_HEX.sub("*", head))


def _without_digits(text: str) -> str:
    # As bytes: eight times as fast, and no byte of another character is a digit.
    return text.encode("utf-8", "replace").translate(None, _DIGITS).decode("utf-8")


def different(seen: Observations, usual: Told, faulty: Told) -> dict[int, Different]:
    """Return in which services work stays away that used to happen, or fails that used to work."""
    words = _Words(seen)
    before, after = (_events(one, words) for one in (usual, faulty))
    found = _free_lines(before.free, after.free)
    events = _events_of_both(before, after, usual, faulty, words)
    kinds, first = np.unique(events.kind, return_index=True)
    ends = np.append(first[1:], len(events.kind))
    for kind, start, end in zip(kinds.tolist(), first.tolist(), ends.tolist(), strict=True):
        service = kind // max(len(seen.operations), 1)
        one = events.verdict(start, end)
        if one is not None and one.strength > found.get(service, Different(0.0, "")).strength:
            found[service] = one
    return found


class _Words:
    """Numbers for events: the operation of a child span, or beyond those a template of lines."""

    def __init__(self, seen: Observations) -> None:
        self.operations = seen.operations
        self.kinds = len(seen.services) * len(seen.operations)
        self.templates: dict[str, int] = {}

    def number(self, line: str) -> int:
        """Return the number of a line's template."""
        return self.templates.setdefault(template(line), len(self.templates))

    def of(self, event: int) -> str:
        """Return the words of an event."""
        if event >= self.kinds:
            return list(self.templates)[event - self.kinds]
        return self.operations[event % len(self.operations)]

    def bad(self, events: Ints) -> Bools:
        """Return which events speak of failure."""
        lines = [_BAD.search(one) is not None for one in self.templates]
        spans = [_BAD.search(one) is not None for one in self.operations]
        known = np.array([*spans, *lines], dtype=np.bool_)
        modulus = max(len(spans), 1)
        place = np.where(events >= self.kinds, events - self.kinds + len(spans), events % modulus)
        marked: Bools = known[place]
        return marked


@dataclass(frozen=True)
class _Counted:
    """In how many requests of a kind an event was seen; lines without a span, by service."""

    code: Ints  # kind and event in one number
    count: Ints
    free: Counter[tuple[int, str]]


_EVENTS = 1 << 31  # more events than any system has: kind and event fit one number


def _events(one: Told, words: _Words) -> _Counted:
    parent = one.source.parent
    child = np.flatnonzero(parent >= 0)
    free: Counter[tuple[int, str]] = Counter()
    spans: list[int] = []
    lines: list[int] = []
    for line in one.source.lines:
        if line.span < 0:
            free[line.service, template(line.text)] += 1
        else:
            spans.append(line.span)
            lines.append(words.kinds + words.number(line.text))
    span = np.concatenate((parent[child], np.array(spans, dtype=np.int64)))
    event = np.concatenate((one.kind[child], np.array(lines, dtype=np.int64)))
    # Once a request: a loop that runs longer is no other behaviour.
    once = np.unique(span * _EVENTS + event)
    code, count = np.unique(
        one.kind[once // _EVENTS] * _EVENTS + once % _EVENTS, return_counts=True
    )
    return _Counted(code, count, free)


@dataclass(frozen=True)
class _Events:
    """Events of both times by kind of request; z is positive for what became more frequent."""

    kind: Ints
    event: Ints
    was: Floats  # share of the requests
    now: Floats
    z: Floats
    plain: Bools  # known work: its loss counts
    bad: Bools
    words: _Words

    def verdict(self, start: int, end: int) -> Different | None:
        """Return what is different in the requests of one kind, which are rows start..end."""
        z, change = self.z[start:end], (self.now - self.was)[start:end]
        plain, bad = self.plain[start:end], self.bad[start:end]
        lost, gained = _largest(-z, -change, plain), _largest(z, change, plain)
        worse = _largest(z, change, bad)
        away = failing = 0.0
        # What moved to another branch of the usual work did not stay away.
        if lost[0] - gained[0] > LOST:
            away = max(0.0, lost[1] - gained[1]) * lost[0] / (lost[0] + FEW)
        if worse[0] > BAD:
            failing = worse[1] * worse[0] / (worse[0] + FEW)
        strength = 1.0 - (1.0 - min(away, 1.0)) * (1.0 - min(failing, 1.0))
        if strength <= 0.0:
            return None
        row = start + (worse[2] if failing >= away else lost[2])
        what = self.words.of(int(self.event[row]))[:80]
        shares = f"{_share(self.was[row])} -> {_share(self.now[row])} of its requests"
        return Different(strength, f"{'' if failing >= away else 'lost: '}{what} in {shares}")


def _largest(z: Floats, change: Floats, among: Bools) -> tuple[float, float, int]:
    """Return the largest positive z with its change and row; zeros when there is none."""
    rows = np.flatnonzero(among & (z > 0))
    if not len(rows):
        return 0.0, 0.0, 0
    row = rows[np.lexsort((change[rows], z[rows]))[-1]]
    return float(z[row]), float(change[row]), int(row)


def _events_of_both(
    before: _Counted, after: _Counted, usual: Told, faulty: Told, words: _Words
) -> _Events:
    code = np.union1d(before.code, after.code)
    kind, event = code // _EVENTS, code % _EVENTS
    n_was, n_now = (_requests(one, kind) for one in (usual, faulty))
    seen = n_now >= 2
    code, kind, event = code[seen], kind[seen], event[seen]
    n_was, n_now = n_was[seen], n_now[seen]
    was, now = (_counts(one, code) for one in (before, after))
    share_was, share_now = was / np.maximum(n_was, 1), now / n_now
    # Two shares compared by their pooled standard error (a textbook z), one half request added.
    pooled = (was + now + 0.5) / (n_was + n_now + 1.0)
    error = np.sqrt(pooled * (1 - pooled) * (1 / np.maximum(n_was, 1) + 1 / n_now) + 1e-9)
    change = share_now - share_was
    z = change / error * np.minimum(1.0, np.abs(change) / LARGE)
    bad = words.bad(event)
    known = n_was >= 2
    failing = bad & (known | (event >= words.kinds))
    return _Events(kind, event, share_was, share_now, z, known & ~bad, failing, words)


def _requests(one: Told, kind: Ints) -> Floats:
    kinds, counts = np.unique(one.kind, return_counts=True)
    return _looked_up(kinds, counts, kind)


def _counts(one: _Counted, code: Ints) -> Floats:
    return _looked_up(one.code, one.count, code)


def _looked_up(keys: Ints, values: Ints, wanted: Ints) -> Floats:
    """Return the value of each wanted key, 0 where there is none; `keys` ascend."""
    if not len(keys):
        return np.zeros(len(wanted))
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0).astype(np.float64)


def _free_lines(
    before: Counter[tuple[int, str]], after: Counter[tuple[int, str]]
) -> dict[int, Different]:
    """Return which services write more of what speaks of failure, outside any known request."""
    found: dict[int, Different] = {}
    for service, text in sorted({*before, *after}):
        if not _BAD.search(text):
            continue
        was, now = before[service, text], after[service, text]
        z = (now - was) / np.sqrt(now + was + 1.0)
        strength = float(z / (z + 4.0)) if z > LOST else 0.0
        if strength > found.get(service, Different(0.0, "")).strength:
            found[service] = Different(strength, f"{text[:80]} {was} -> {now} lines")
    return found


def _share(of_requests: float) -> str:
    return amount(Signal.ERRORS, of_requests)
