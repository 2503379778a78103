"""The shop's own alert rules: a promise was broken for a minute."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.domain.alert import Alert, AlertState
from aiops_agent.domain.telemetry import Signal
from aiops_agent.simulator.history import TICK, History, Track
from aiops_agent.simulator.shop import COMPANY

HELD = 4  # samples in a row: one minute
GROUPING = 30.0  # seconds that the shop's alerting gathers before it sends
RULES = {
    Signal.LATENCY: ("HighLatency", "experiencing latency spikes"),
    Signal.ERRORS: ("HighErrorRate", "failing more requests than promised"),
}
PROMISES = {
    (spec.name, signal): level
    for spec in COMPANY
    for signal, level in zip(RULES, (spec.objective.latency, spec.objective.errors), strict=True)
    if level and not spec.external
}
"""The level that a service of ours promises to stay under, by service and signal."""
_DEPTH = {spec.name: place for place, spec in enumerate(COMPANY)}


@dataclass(frozen=True)
class Alarm:
    """A rule that holds since `at` (seconds since the world began)."""

    at: float
    service: str
    signal: Signal


def alarms(history: History, until: float) -> tuple[Alarm, ...]:
    """Return the rules that came to hold by `until`, first ones first, callees before callers."""
    last = min(history.ticks - 1, int(until / TICK))
    found = [
        Alarm(tick * TICK, *pair)
        for pair, level in PROMISES.items()
        if (tick := _fires(history.tracks[pair], level, last)) is not None
    ]
    return tuple(sorted(found, key=lambda a: (a.at, -_DEPTH[a.service], a.signal is Signal.ERRORS)))


def alert(
    alarm: Alarm, time: Callable[[float], datetime], name: Callable[[str], str], received: float
) -> Alert:
    """Put an alarm into the words of an alert."""
    rule, words = RULES[alarm.signal]
    service = name(alarm.service)
    severity = "critical" if alarm.signal is Signal.ERRORS else "warning"
    return Alert(
        source="shop",
        labels={"alertname": rule, "service": service, "severity": severity},
        annotations={"summary": f"{service} {words}"},
        state=AlertState.FIRING,
        starts_at=time(alarm.at),
        received_at=time(received),
    )


def _fires(track: Track, level: float, last: int) -> int | None:
    held = 0
    for tick in range(1, last + 1):
        value = track[tick]
        held = held + 1 if value is not None and value > level else 0
        if held == HELD:
            return tick
    return None
