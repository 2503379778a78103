"""What counts as recovered? Levels are fixed before anybody is asked to approve."""

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.quantity import roughly, signal_name, target
from aiops_agent.domain.remediation import Comparison, Criterion
from aiops_agent.domain.telemetry import Objective, ServiceName, Signal
from aiops_agent.reasoning.gather import PAIN, Scene
from aiops_agent.reasoning.measure import Shift, quantiles
from aiops_agent.reasoning.read_alert import FALLING_HURTS, objective_of

HEADROOM = 2.5  # times the usual level that still counts as usual where nobody promised one
# Times the level at the alert: noise of a bad signal stays well below it. A queue swings more.
WORSE = {Signal.LATENCY: 1.5, Signal.POOL_WAIT: 1.5, Signal.QUEUE: 2.0}
WORSE_ERRORS = 0.15  # share of requests, on top of those that failed at the alert
CANNOT_BE_WORSE = 0.97  # a share this near to all has no room above it
# What, besides pain, shows at the service that an action touches.
SHOWS = {CauseKind.LEAK: Signal.MEMORY, CauseKind.CONFIG: Signal.POOL_WAIT}


@dataclass(frozen=True)
class RecoveryTerms:
    """For how long it must be good, and by when."""

    hold: timedelta
    within: timedelta


def criteria(
    scene: Scene,
    alerted: Signal | None,
    touched: ServiceName,
    cause: CauseKind,
    terms: RecoveryTerms,
) -> tuple[Criterion, ...]:
    """Return what must be seen: at the service that alerts, and at the one that is touched.

    Empty when neither is seen, so that nothing could be verified.
    """
    wanted: dict[tuple[ServiceName, Signal], None] = {}
    if alerted is not None:
        wanted[(scene.service, alerted)] = None
    for moved in scene.pain(scene.service):
        wanted[(scene.service, moved.track.signal)] = None
    wanted.update(dict.fromkeys((touched, signal) for signal in _at(scene, touched, cause)))
    made = (_criterion(scene, service, signal, terms) for service, signal in wanted)
    return tuple(one for one in made if one is not None)


def _at(scene: Scene, touched: ServiceName, cause: CauseKind) -> tuple[Signal, ...]:
    hurts = tuple(moved.track.signal for moved in scene.pain(touched))[:1]
    seen = (s for s in PAIN if scene.shift(touched, s) is not None)
    felt = hurts or tuple(seen)[:1]
    special = SHOWS.get(cause)
    moved = scene.shift(touched, special) if special is not None else None
    return (*felt, special) if special is not None and moved is not None and moved.up else felt


def _criterion(
    scene: Scene, service: ServiceName, signal: Signal, terms: RecoveryTerms
) -> Criterion | None:
    moved = scene.shift(service, signal)
    if moved is None:
        return None
    known = scene.graph.service(service)
    level = _level(scene, moved, known.objective if known else Objective())
    falling = signal in FALLING_HURTS
    criterion = Criterion(
        service=service,
        signal=signal,
        comparison=Comparison.ABOVE if falling else Comparison.BELOW,
        level=level,
        hold=terms.hold,
        within=terms.within,
        worse=None if falling else _worse(signal, moved, level),
        at_alert=round(moved.now, 6),
    )
    time = f"for {roughly(terms.hold)} within {roughly(terms.within)}"
    words = f"{service} {signal_name(signal)} {target(criterion)} {time}"
    return criterion.model_copy(update={"words": words})


def _level(scene: Scene, moved: Shift, objective: Objective) -> float:
    """Return the promised level, or what is usual with headroom for noise."""
    before = moved.track.between(-np.inf, scene.began)
    high = quantiles(before, 0.98)[0] if len(before) else moved.before
    signal = moved.track.signal
    if signal in FALLING_HURTS:
        # Recovered at three quarters of the way back: the last of it, such as a cache, is slow.
        return _round(moved.before - max(0.25 * abs(moved.before - moved.now), 2 * moved.noise))
    promised = objective_of(objective, signal) if signal in PAIN else None
    if promised is not None and promised > high:
        return promised
    usual = max(high + 2 * moved.noise, HEADROOM * moved.before)
    bad = max(moved.now, moved.worst)
    # Never more than half way (in factors) to what the alert was about.
    between = math.sqrt(max(moved.before, moved.noise) * bad) if bad > 0 else usual
    return _round(max(min(usual, between), high + moved.noise))


def _worse(signal: Signal, moved: Shift, level: float) -> float | None:
    bad = max(moved.now, moved.worst)
    if signal is Signal.ERRORS:
        worse = max(bad, level) + WORSE_ERRORS
        return _round(worse) if worse < CANNOT_BE_WORSE else None
    factor = WORSE.get(signal)
    return None if factor is None else _round(factor * max(bad, level))


def _round(value: float) -> float:
    """Return the value with three digits that count: levels are said aloud."""
    return float(f"{value:.3g}")
