"""Numbers as people read them, with their unit."""

import math
from datetime import timedelta

from aiops_agent.domain.remediation import Comparison, Criterion
from aiops_agent.domain.telemetry import Signal

NO_DATA = "no data"
_SECONDS = (Signal.LATENCY, Signal.TAIL, Signal.POOL_WAIT)
_SHARES = (Signal.ERRORS, Signal.SATURATION, Signal.MEMORY, Signal.POOL, Signal.CACHE_HITS)
_NAMES = {
    Signal.LATENCY: "latency p95",
    Signal.TAIL: "latency p99",
    Signal.POOL_WAIT: "pool wait p95",
    Signal.ERRORS: "error share",
    Signal.TRAFFIC: "requests per second",
    Signal.CACHE_HITS: "cache hits",
    Signal.QUEUE: "queue length",
    Signal.POOL: "pool in use",
    Signal.MEMORY: "memory in use",
}


def signal_name(signal: Signal) -> str:
    """Return the signal in words, as a table shows it."""
    return _NAMES.get(signal, signal.value)


def amount(signal: Signal, value: float | None) -> str:
    """Return a value of `signal` with its unit: "120 ms", "11.8%", "41/s"; "no data" for None."""
    if value is None or not math.isfinite(value):
        return NO_DATA
    if signal in _SECONDS:
        return _seconds(value)
    if signal in _SHARES:
        return f"{_short(value * 100, whole_from=20)}%"
    if signal is Signal.TRAFFIC:
        return f"{_short(value, whole_from=20)}/s"
    return _short(value, whole_from=10)


def target(criterion: Criterion) -> str:
    """Return the level that counts as good: "< 300 ms"."""
    sign = "<" if criterion.comparison is Comparison.BELOW else ">"
    return f"{sign} {amount(criterion.signal, criterion.level)}"


def span(length: timedelta) -> str:
    """Return a length of time as a clock shows it: "0:04", "2:10", "1:02:03"."""
    seconds = max(round(length.total_seconds()), 0)
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def stopwatch(seconds: float) -> str:
    """Return measured seconds as short as they are: "0.04 s", "9.5 s", "2:10"."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 60 else span(timedelta(seconds=seconds))


def roughly(length: timedelta) -> str:
    """Return a length of time in its largest unit: "45 s", "3 min", "2 h", "5 d"."""
    seconds = max(length.total_seconds(), 0)
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86400:.0f} d"


def per_minute(count: float) -> str:
    """Return how often something happens: "0.3/min", "602/min"."""
    return f"{_short(count, whole_from=20)}/min"


def times(factor: float) -> str:
    """Return a factor: "1.5 times", "24 times"."""
    return f"{_short(factor, whole_from=10)} times"


def megabytes(size: int | None) -> str:
    """Return bytes as "160 MB", of 2^20 bytes each."""
    return f"{(size or 0) / 2**20:,.0f} MB"


def _seconds(value: float) -> str:
    if abs(value) < 0.9995:
        return f"{_short(value * 1000, whole_from=10)} ms"
    return f"{_short(value, whole_from=100)} s"


def _short(value: float, *, whole_from: float) -> str:
    text = f"{value:.0f}" if abs(value) >= whole_from else f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def money(cost: float | None) -> str:
    """Return US dollars as `$0.12`, small sums as `$0.0021`, or that the price is unknown."""
    if cost is None:
        return "price unknown"
    return f"${cost:.4f}" if 0 < cost < 0.01 else f"${cost:.2f}"
