"""Healthy services over weeks, as arrays: days, rollouts, batch jobs, noise, lost scrapes.

What is drawn, and from which range, stands here so that the rate of false alarms can be judged.
Nothing in it is trouble: whatever is noticed is false. A sample speaks for the minute before it,
as rates do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aiops_agent.domain.telemetry import GOLDEN, Objective, ServiceName, Signal
from aiops_agent.reasoning.observations import Floats

STEP = 15.0  # seconds
DAY = int(86400 / STEP)  # samples
WEEK = 7 * DAY
SMOOTHED = 4  # samples: rates over a minute
ASKED_SPREAD = 0.6  # of the p95 of n requests, times 1 / sqrt(n): a long-tailed distribution


@dataclass(frozen=True)
class HealthySystem:
    """Some services over two weeks: the first is what the second may be compared with."""

    keys: tuple[tuple[ServiceName, Signal], ...]
    at: Floats  # seconds
    values: Floats  # (keys, moments)
    objectives: dict[ServiceName, Objective]


def systems(seed: int, count: int, services: int) -> Iterator[HealthySystem]:
    """Draw systems of so many services, each from a seed of its own."""
    for number in range(count):
        yield _system(np.random.default_rng([seed, number]), services)


def _system(dice: np.random.Generator, services: int) -> HealthySystem:
    names = [ServiceName(f"service-{number}") for number in range(services)]
    at = np.arange(2 * WEEK, dtype=np.float64) * STEP
    columns, objectives = list[Floats](), dict[ServiceName, Objective]()
    lost = dice.random((services, len(at))) < 0.002  # scrapes that timed out
    dark = int(dice.integers(WEEK, 2 * WEEK - 20))  # once monitoring itself is restarted
    for place, name in enumerate(names):
        service = _Service(dice, len(at))
        found = service.signals()
        if dice.random() < 0.5:
            usual = float(np.median(found[Signal.LATENCY]))
            limit = usual * dice.uniform(3.0, 6.0)
            objectives[name] = Objective(latency=limit, errors=float(dice.uniform(0.01, 0.05)))
        gone = lost[place].copy()
        gone[dark : dark + 20] = True
        columns += [np.where(gone, np.nan, found[signal]) for signal in GOLDEN]
    keys = tuple((name, signal) for name in names for signal in GOLDEN)
    return HealthySystem(keys, at, np.array(columns), objectives)


class _Service:
    """One service: `signals` draws all of it."""

    def __init__(self, dice: np.random.Generator, count: int) -> None:
        self.dice, self.count = dice, count
        self.traffic = np.full(count, float(np.exp(dice.uniform(np.log(0.3), np.log(300.0)))))
        self.latency = np.full(count, float(np.exp(dice.uniform(np.log(0.015), np.log(0.5)))))
        self.failing = np.full(count, float(np.exp(dice.uniform(np.log(1e-4), np.log(4e-3)))))
        self.used = np.full(count, float(dice.uniform(0.1, 0.5)))

    def signals(self) -> dict[Signal, Floats]:
        """Return its golden signals."""
        dice = self.dice
        self._days()
        self._rollouts()
        if dice.random() < 0.4:
            self._batch(float(dice.uniform(0, DAY)), every=DAY)
        if dice.random() < 0.15:
            self._batch(float(dice.uniform(0, WEEK)), every=WEEK)
        self._campaigns()
        self._hiccups()
        asked = np.maximum(self.traffic * 60.0, 0.05)
        noise = dice.standard_normal(self.count) * ASKED_SPREAD / np.sqrt(np.maximum(asked, 1.0))
        latency = self.latency * np.exp(noise + _wander(dice, self.count, 0.05, 0.98))
        rates = dice.poisson(np.maximum(self.traffic * STEP, 0.0)) / STEP
        failed = dice.binomial(np.maximum(rates * STEP, 0).astype(int), np.minimum(self.failing, 1))
        asked_now, failed_now = _smooth(rates), _smooth(failed / STEP)
        with np.errstate(all="ignore"):
            share = np.where(asked_now > 0, failed_now / np.maximum(asked_now, 1e-9), np.nan)
        latency = np.where(asked_now > 0, _smooth(latency), np.nan)
        used = np.clip(_smooth(self.used * np.exp(_wander(dice, self.count, 0.06, 0.9))), 0.0, 1.0)
        return {Signal.LATENCY: latency, Signal.TRAFFIC: asked_now, Signal.ERRORS: share,
                Signal.SATURATION: used}  # fmt: skip

    def _days(self) -> None:
        """Day and night, working days and weekends; load makes slow and uses machines."""
        dice, time = self.dice, np.arange(self.count)
        wave = 1.0 + dice.uniform(0.2, 0.85) * np.sin(2 * np.pi * (time / DAY + dice.random()))
        weekend = np.where((time // DAY) % 7 >= 5, dice.uniform(0.4, 1.1), 1.0)
        load = wave * np.convolve(weekend, np.full(240, 1 / 240), "same")
        load = load * np.exp(_wander(dice, self.count, dice.uniform(0.02, 0.08), 0.97))
        self.traffic *= load
        self.latency *= 1.0 + dice.uniform(0.0, 0.35) * load**2
        self.used *= 0.4 + 0.6 * load

    def _rollouts(self) -> None:
        """Five a week: slow and a few failures while replicas start, then another usual level."""
        dice = self.dice
        for start in dice.integers(0, self.count - 400, 10).tolist():
            during = slice(start, start + int(dice.integers(2, 7)))  # half a minute to 90 s
            self.latency[during] *= dice.uniform(1.2, 3.0)
            self.failing[during] += dice.uniform(0.0, 0.02)
            self.latency[start:] *= dice.uniform(0.85, 1.2)
            self.used[start:] *= dice.uniform(0.9, 1.1)
        self.used = np.minimum(self.used, 0.85)

    def _batch(self, first: float, *, every: int) -> None:
        """Report at a fixed hour, a few minutes early or late, a quarter to a whole hour long."""
        dice, length = self.dice, self.dice.uniform(60, 240)
        slower, more, busy = dice.uniform(1.3, 4.0), dice.uniform(1.0, 4.0), dice.uniform(0.5, 1.0)
        for number in range(-1, self.count // every + 1):
            start = int(first + number * every + dice.normal(0.0, 12.0))
            during = slice(max(start, 0), max(0, int(start + length * dice.uniform(0.8, 1.25))))
            self.latency[during] *= slower * dice.uniform(0.85, 1.15)
            self.traffic[during] *= more
            self.used[during] = np.maximum(self.used[during], busy)

    def _campaigns(self) -> None:
        """Once in two weeks, at no fixed hour, far more is asked, and it is a little slower."""
        dice = self.dice
        start, length = int(dice.integers(0, self.count)), int(dice.integers(240, 960))
        ramp = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / 40.0)
        part = ramp[: self.count - start]
        self.traffic[start : start + length] *= 1.0 + dice.uniform(0.5, 2.0) * part
        self.latency[start : start + length] *= 1.0 + dice.uniform(0.0, 0.6) * part
        self.used[start : start + length] += 0.1 * part

    def _hiccups(self) -> None:
        """Collections, a slow disk, a cold cache line: some samples, many times a day."""
        dice = self.dice
        for start in dice.integers(0, self.count - 10, int(dice.integers(20, 400))).tolist():
            self.latency[start : start + int(dice.integers(1, 4))] *= dice.uniform(1.5, 8.0)
        for start in dice.integers(0, self.count - 10, 12).tolist():  # a client that asks nonsense
            self.failing[start : start + int(dice.integers(1, 5))] += dice.uniform(0.0, 0.05)


def _wander(dice: np.random.Generator, count: int, size: float, keep: float) -> Floats:
    """Return noise that remembers: `size` is its deviation, `keep` what is left a sample later."""
    reach = int(6 / (1 - keep))
    weights = keep ** np.arange(reach)
    weights *= size / np.sqrt((weights**2).sum())
    noise = dice.standard_normal(count + reach)
    full = np.fft.irfft(
        np.fft.rfft(noise, 2 * len(noise)) * np.fft.rfft(weights, 2 * len(noise)), 2 * len(noise)
    )
    found: Floats = full[reach : reach + count]
    return found


def _smooth(values: Floats) -> Floats:
    total = np.cumsum(np.concatenate((np.zeros(SMOOTHED), values)))
    found: Floats = (total[SMOOTHED:] - total[:-SMOOTHED]) / SMOOTHED
    return found
