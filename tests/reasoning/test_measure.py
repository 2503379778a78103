"""Shifts, onsets and splits of one signal."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from aiops_agent.domain.telemetry import Series, ServiceName, Signal
from aiops_agent.reasoning.measure import Track, finer, onset, shift, slope, split, track
from tests.reasoning.world import BEGAN, Course, ramp, step


def seen(course: Course, *, start: int = -1800, end: int = 300, every: int = 15) -> Track:
    at = np.arange(start, end, every, dtype=np.float64)
    values = np.array([course(t) for t in at])
    return Track(ServiceName("api"), Signal.LATENCY, at, values, "fake", "q")


def test_a_jump_is_a_shift_with_its_onset() -> None:
    moved = shift(seen(step(0.1, 0.5)), 0.0, 300.0)
    assert moved is not None
    assert moved.up
    assert moved.onset == 0.0
    assert moved.before == pytest.approx(0.1, rel=0.05)
    assert moved.now == pytest.approx(0.5, rel=0.05)


def test_noise_is_no_shift() -> None:
    moved = shift(seen(step(0.1, 0.104)), 0.0, 300.0)
    assert moved is not None
    assert not moved.up


def test_a_spike_that_passed_is_no_shift() -> None:
    moved = shift(seen(lambda t: 0.9 if 0 <= t < 45 else 0.1), 0.0, 300.0)
    assert moved is not None
    assert not moved.up


def test_an_earlier_spike_does_not_move_the_onset() -> None:
    spiky = seen(lambda t: 0.9 if t >= 0 or -400 < t < -340 else 0.1)
    assert onset(spiky, 0.1, 0.01, 0.0) == 0.0


def test_an_onset_before_the_suspected_start_is_found() -> None:
    assert onset(seen(step(0.1, 0.9, at=-90)), 0.1, 0.01, 30.0) == -90.0


def test_the_true_start_is_found_though_the_alert_is_late() -> None:
    assert split(seen(step(0.1, 0.6, at=0.0)), latest=180.0) == 0.0


def test_a_quiet_signal_has_no_start() -> None:
    assert split(seen(step(0.1, 0.1)), latest=180.0) is None


def test_a_ramp_has_a_slope_and_a_good_fit() -> None:
    rise, fit = slope(seen(ramp(0.2, 0.9, -1800, 300)), -1800.0)
    assert rise == pytest.approx(0.7 / 2100, rel=0.1)
    assert fit > 0.95


def test_a_peer_lends_its_level_as_a_noise_floor() -> None:
    alone = shift(seen(step(0.001, 0.03)), 0.0, 300.0)
    among = shift(seen(step(0.001, 0.03)), 0.0, 300.0, peer=2.0)
    assert alone is not None
    assert among is not None
    assert alone.up
    assert not among.up


def test_errors_that_appear_for_the_first_time_are_compared_with_none() -> None:
    errors = Track(ServiceName("api"), Signal.ERRORS, np.arange(5.0), np.full(5, 0.3), "f", "q")
    moved = shift(errors, -10.0, 5.0)
    assert moved is not None
    assert moved.before == 0.0
    assert moved.up


def test_the_time_before_the_first_request_says_nothing_of_usual_traffic() -> None:
    """A service started 10 minutes ago: its usual traffic is not the nothing before that."""
    course = seen(lambda t: 0.0 if t < -600 else 20.0 if t < 0 else 44.0)
    traffic = replace(course, signal=Signal.TRAFFIC)

    moved = shift(traffic, 0.0, 300.0)

    assert moved is not None
    assert (moved.before, moved.up) == (20.0, True)


def test_any_other_signal_without_a_before_says_nothing() -> None:
    assert shift(seen(step(0.1, 0.5), start=0), 0.0, 300.0) is None


@pytest.mark.parametrize("values", [(None, None), (float("nan"), float("inf"))])
def test_gaps_nan_and_infinity_are_not_data(values: tuple[float | None, float | None]) -> None:
    times = (BEGAN, BEGAN + timedelta(seconds=15))
    series = Series(
        service=ServiceName("api"),
        signal=Signal.LATENCY,
        times=times,
        values=values,
        source="fake",
        query="q",
    )
    assert track(series) is None


def test_a_finer_look_replaces_the_end_of_a_coarse_one() -> None:
    coarse, fine = seen(step(0.1, 0.5)), seen(step(0.1, 0.5), start=0, every=1)
    joined = finer(coarse, fine)
    assert len(joined.at) == 120 + 300
    assert (np.diff(joined.at) > 0).all()


def test_a_look_that_is_not_finer_changes_nothing() -> None:
    coarse = seen(step(0.1, 0.5))
    assert finer(coarse, seen(step(0.1, 0.5), start=0)) is coarse
    assert finer(coarse, None) is coarse


def test_constant_and_short_signals_are_harmless() -> None:
    flat = Track(ServiceName("a"), Signal.QUEUE, np.arange(3.0), np.zeros(3), "f", "q")
    assert split(flat, 3.0) is None
    assert slope(flat, 0.0) == (0.0, 0.0)
