"""What a metric's values are multiplied by to get seconds, from name, words or buckets."""

import re
from collections.abc import Sequence

SECONDS, MILLIS, MICROS, NANOS = 1.0, 1e-3, 1e-6, 1e-9  # of the value, in seconds

# OpenMetrics puts the unit last, before _total, _sum, _count, _bucket; JMX writes it without "_".
_NAMED = (
    (MILLIS, re.compile(r"_(?:milliseconds?|millis|msecs?|ms)(?:_|$)|[a-z]TimeMs|timems(?:_|$)")),
    (MICROS, re.compile(r"_(?:microseconds?|micros|usecs?|us)(?:_|$)")),
    (NANOS, re.compile(r"_(?:nanoseconds?|nanos|nsecs?|ns)(?:_|$)")),
    (SECONDS, re.compile(r"_(?:seconds?|secs?|s)(?:_|$)")),
)
_SAID = (
    (MILLIS, re.compile(r"(?i)\b(?:milli-?seconds?|millis|msecs?|ms)\b")),
    (MICROS, re.compile(r"(?i)\b(?:micro-?seconds?|micros|usecs?|µs|us)\b")),
    (NANOS, re.compile(r"(?i)\b(?:nano-?seconds?|nanos|nsecs?|ns)\b")),
    (SECONDS, re.compile(r"(?i)\b(?:seconds?|secs?|s)\b")),
)


def named(metric: str) -> float | None:
    """Return what the name itself says, or None."""
    return next((factor for factor, word in _NAMED if word.search(metric)), None)


def said(words: str) -> float | None:
    """Return what HELP or UNIT say, or None when they name no unit or several."""
    found = [factor for factor, word in _SAID if word.search(words)]
    return found[0] if len(found) == 1 else None


def bounded(bounds: Sequence[float]) -> float | None:
    """Return what bucket bounds can only mean, or None.

    Client libraries' defaults are 5 ms to 10 s: as 0.005 to 10, or as 5 to 10,000. Nobody counts
    microseconds in milliseconds, few want requests below 1 ms and above 10 min in one histogram.
    """
    finite = sorted(bound for bound in bounds if 0 < bound < float("inf"))
    if len(finite) < 3:
        return None
    if (finite[0] < 1 and finite[-1] <= 600) or (finite[0] <= 0.005 and finite[-1] <= 10_000):
        return SECONDS
    return MILLIS if finite[0] >= 1 and finite[-1] >= 1000 else None
