"""Durations as people write them: 500ms, 90s, 15m, 1h30m, 2d."""

import re
from datetime import timedelta
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from aiops_agent.domain.value import Json

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|[smhd])")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def duration(text: str) -> timedelta:
    """Return the duration that "1h30m" names; raises ValueError when it names none."""
    text = text.strip()
    if not _WHOLE.fullmatch(text):
        raise ValueError("a duration is a number with a unit, such as 500ms, 90s, 15m or 1h30m")
    parts = _PART.findall(text)
    return sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())


def spelled(length: timedelta) -> str:
    """Return a duration as `duration` reads it, to the millisecond: "15m", "1h30m", "0s"."""
    left = round(length / _UNITS["ms"])
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, round(_UNITS[unit] / _UNITS["ms"]))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _read(value: Json) -> Json:
    if isinstance(value, int | float):
        raise ValueError(f"say the unit, such as {value}s or {value}m")
    return duration(value) if isinstance(value, str) else value


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than 0s")
    return value


# Types of fields that are written so: a pause may be none, a span may not. Less than none cannot
# be written.
Pause: TypeAlias = Annotated[timedelta, BeforeValidator(_read), PlainSerializer(spelled)]
Span: TypeAlias = Annotated[Pause, AfterValidator(_positive)]
