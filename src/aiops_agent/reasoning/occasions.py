"""When a sentence of policy holds: days of the week, hours, dates, as far as code can read them."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiops_agent.domain.policy import Weekday
from aiops_agent.reasoning.mentions import Mention

_DAYS = tuple(Weekday)
_GROUPS = {"weekend": _DAYS[5:], "weekday": _DAYS[:5], "working day": _DAYS[:5]}
_TO = r"\s*(?:to|until|till|through|and|-)\s*(?:the\s+)?"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_DAY_SPAN = re.compile(
    rf"\b({_DAY})s?{_TO.replace('and|', '')}({_DAY})s?\b"
    rf"|\b({_DAY}|weekend|weekday|working day)s?\b",
    re.IGNORECASE,
)
_TIME = r"(?:[01]?\d|2[0-4])[:.][0-5]\d|(?:1[0-2]|\d)(?:[:.][0-5]\d)?\s?[ap]\.?m\b|noon|midnight"
_HOUR_SPAN = re.compile(rf"(?<![\w.:])({_TIME}){_TO}({_TIME})(?![\d:])", re.IGNORECASE)
_HOUR_EDGE = re.compile(
    rf"\b(after|from|since|past|before|until|till)\s+({_TIME})(?![\d:])", re.IGNORECASE
)
_WEEK_SPAN = re.compile(
    rf"\b({_DAY})s?(?:,| at)?\s+({_TIME}){_TO}({_DAY})s?(?:,| at)?\s+({_TIME})", re.IGNORECASE
)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
           "october", "november", "december")  # fmt: skip
_MONTH = rf"(?:{'|'.join(_MONTHS)})"
_DATE = (
    rf"\d{{4}}-\d\d-\d\d|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? \d{{4}})?"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?"
)
# "12, 13 and 14 October": the days before the last one borrow its month.
_DATE_LIST = re.compile(
    rf"\b((?:\d{{1,2}}(?:st|nd|rd|th)?(?:, and |, | and | or )){{1,30}})\d{{1,2}}(?:st|nd|rd|th)?"
    rf"(?: of)? ({_MONTH})(?:,? (\d{{4}}))?",
    re.IGNORECASE,
)
_DATE_SPAN = re.compile(rf"\b({_DATE}){_TO}({_DATE})\b", re.IGNORECASE)
_DATE_EDGE = re.compile(
    rf"\b(?:(after|from|since|before|until|till)\s+(?:the )?)?({_DATE})\b", re.IGNORECASE
)
# With a capital: "may" and "march" are verbs too.
_IN_MONTH = re.compile(rf"(?<!\d )\b({'|'.join(name.title() for name in _MONTHS)})\b(?!\s+\d)")
_ZONE = re.compile(r"\b[A-Z][a-z]+/[A-Z][A-Za-z_]+\b")
_OTHER_ZONE = re.compile(r"\b(?:[A-Z]{1,3}[SD]?T|local time|their time)\b")


def days(text: str, now: datetime) -> tuple[Mention, ...]:
    """Return the days of the week that a text names; a span with hours is one of hours."""
    today = _DAYS[now.weekday()]
    spans = [one.span() for one in _WEEK_SPAN.finditer(text)]
    found = []
    for place in _DAY_SPAN.finditer(text):
        if any(start <= place.start() < end for start, end in spans):
            continue
        first, last, single = (part.lower() if part else "" for part in place.groups())
        if single:
            meant = _GROUPS.get(single) or (Weekday(single),)
        else:
            start, length = _DAYS.index(Weekday(first)), _between(first, last)
            meant = tuple(_DAYS[(start + step) % 7] for step in range(length + 1))
        found.append(Mention(*place.span(), single or place.group().lower(), today in meant))
    return tuple(found)


def hours(text: str, now: datetime) -> tuple[Mention, ...]:
    """Return the stretches of a day, or of a week, that a text names; none in an unknown zone."""
    zone = _zone(text)
    if zone is None:
        return ()
    local = now.astimezone(zone)
    clock = local.hour * 60 + local.minute
    week = local.weekday() * 1440 + clock
    found: list[Mention] = []
    for place in _WEEK_SPAN.finditer(text):
        one, at, other, until = place.groups()
        start = _DAYS.index(Weekday(one.lower())) * 1440 + _minutes(at)
        end = _DAYS.index(Weekday(other.lower())) * 1440 + _minutes(until)
        found.append(_mention(place, within=_inside(week, start, end)))
    for place in _HOUR_SPAN.finditer(text):
        if not _overlaps(place, found):
            start, end = _minutes(place.group(1)), _minutes(place.group(2))
            found.append(_mention(place, within=_inside(clock, start, end)))
    for place in _HOUR_EDGE.finditer(text):
        if not _overlaps(place, found):
            edge, before = _minutes(place.group(2)), place.group(1).lower()[0] in "but"
            found.append(_mention(place, within=clock < edge if before else clock >= edge))
    return tuple(found)


def dates(text: str, now: datetime) -> tuple[Mention, ...]:
    """Return the dates, stretches of dates and months that a text names."""
    today = now.astimezone(_zone(text) or UTC).date()
    found: list[Mention] = []
    readers = (
        (_DATE_SPAN, _on_span),
        (_DATE_LIST, _on_list),
        (_DATE_EDGE, _on_edge),
        (_IN_MONTH, _in_month),
    )
    for pattern, within in readers:  # what one has read the next ones leave
        for place in pattern.finditer(text):
            if not _overlaps(place, found):
                found.append(_mention(place, within=within(place, today)))
    return tuple(found)


def _on_span(place: re.Match[str], today: date) -> bool:
    spans = _stretches(place.group(1), place.group(2), today)
    return any(start <= today <= end for start, end in spans)


def _on_list(place: re.Match[str], today: date) -> bool:
    numbers = re.findall(r"\d+", place.group().split(place.group(2))[0])
    year = place.group(3) or today.year
    return today in [_read(f"{day} {place.group(2)} {year}", today.year) for day in numbers]


def _on_edge(place: re.Match[str], today: date) -> bool:
    at, word = _read(place.group(2), today.year), (place.group(1) or "").lower()
    if at is None:
        return False
    if word in ("after", "from", "since"):
        return today >= at
    return today <= at if word else today == at


def _in_month(place: re.Match[str], today: date) -> bool:
    return today.month == _MONTHS.index(place.group(1).lower()) + 1


def _stretches(first: str, last: str, today: date) -> Iterator[tuple[date, date]]:
    """Yield what "20 December to 2 January" may mean around today."""
    for year in (today.year - 1, today.year):
        start, end = _read(first, year), _read(last, year)
        if start and end and end < start:
            end = _read(last, year + 1)
        if start and end:
            yield start, end


def _read(text: str, year: int) -> date | None:
    with suppress(ValueError):  # 31 June is no date, and forbids nothing
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
        words = re.findall(r"[a-z]+|\d+", text.lower())
        month = next(_MONTHS.index(word) + 1 for word in words if word in _MONTHS)
        numbers = [int(word) for word in words if word.isdigit()]
        return date(next((n for n in numbers if n > 31), year), month, min(numbers))
    return None


def _mention(place: re.Match[str], *, within: bool) -> Mention:
    return Mention(*place.span(), place.group().lower(), within)


def _overlaps(place: re.Match[str], found: list[Mention]) -> bool:
    return any(one.start < place.end() and place.start() < one.end for one in found)


def _between(first: str, last: str) -> int:
    return (_DAYS.index(Weekday(last)) - _DAYS.index(Weekday(first))) % 7


def _inside(at: int, start: int, end: int) -> bool:
    return start <= at < end if start < end else at >= start or at < end


def _minutes(text: str) -> int:
    low = text.lower().replace(".", ":").replace(" ", "")
    if low in ("noon", "midnight"):
        return 720 if low == "noon" else 0
    numbers = [int(one) for one in re.findall(r"\d+", low)]
    hour, minute = numbers[0], numbers[1] if len(numbers) > 1 else 0
    if low.rstrip(":").endswith("m"):
        hour = hour % 12 + (12 if "p" in low else 0)
    return hour * 60 + minute


def _zone(text: str) -> tzinfo | None:
    """Return the zone that a text names, UTC when it names none, None when it is not known."""
    if named := _ZONE.search(text):
        with suppress(ZoneInfoNotFoundError):  # no zone: then its hours are not judged
            return ZoneInfo(named.group())
        return None
    return None if _OTHER_ZONE.search(text) else UTC
