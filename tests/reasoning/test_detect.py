"""What is noticed without an alert: what stays worse than usual, and nothing that passes."""

import numpy as np
import pytest

from aiops_agent.domain.telemetry import Objective, ServiceName, Signal
from aiops_agent.reasoning.detect import Moved, Watched, as_then, bars, noticed
from aiops_agent.reasoning.measure import Track
from aiops_agent.reasoning.observations import Floats
from tests import seams

A, B = ServiceName("a"), ServiceName("b")
STEP = 15.0
HOUR = 240  # samples
PROMISE = {A: Objective(latency=0.3, errors=0.02)}
USUAL = {Signal.LATENCY: 0.1, Signal.TRAFFIC: 50.0, Signal.ERRORS: 0.001, Signal.SATURATION: 0.4}


def tracks(**changed: dict[int, float]) -> dict[tuple[ServiceName, Signal], Track]:
    """Return an hour of two services; `changed` gives samples of `a`, counted from the end."""
    dice, found = np.random.default_rng(7), {}
    at = np.arange(HOUR, dtype=np.float64) * STEP
    for service in (A, B):
        for signal, level in USUAL.items():
            values = level * (1 + 0.05 * dice.standard_normal(HOUR))
            for back, value in changed.get(signal.value, {}).items() if service == A else ():
                values[-back] = value
            found[service, signal] = Track(service, signal, at, values, "", "")
    return found


def seen(objectives: dict[ServiceName, Objective] | None = None,
         **changed: dict[int, float]) -> list[Moved]:  # fmt: skip
    watched = Watched.of(tracks(**changed))
    return noticed(watched, bars(watched, PROMISE if objectives is None else objectives))


def last(samples: int, value: float) -> dict[int, float]:
    return dict.fromkeys(range(1, samples + 1), value)


def test_a_quiet_hour_shows_nothing() -> None:
    assert seen() == []


@pytest.mark.parametrize(("samples", "notices"), [(6, False), (7, True)])
def test_a_promise_broken_for_105_seconds_is_noticed(samples: int, notices: bool) -> None:
    found = seen(latency=last(samples, 0.5))
    assert [(one.service, one.broken, one.hurts) for one in found] == [(A, True, True)] * notices


@pytest.mark.parametrize(("samples", "notices"), [(3, False), (4, True)])
def test_failures_beyond_what_is_harm_anywhere_are_noticed_within_a_minute(
    samples: int, notices: bool
) -> None:
    assert [one.signal for one in seen(errors=last(samples, 0.2))] == [Signal.ERRORS] * notices


@pytest.mark.parametrize(("samples", "notices"), [(11, False), (12, True)])
def test_without_a_promise_twice_the_usual_must_last_for_three_minutes(
    samples: int, notices: bool
) -> None:
    found = seen({}, latency=last(samples, 0.5))
    assert [(one.broken, one.hurts) for one in found] == [(False, True)] * notices


def test_within_its_promise_it_is_listed_and_hurts_nobody() -> None:
    (one,) = seen(latency=last(12, 0.29))
    assert (one.broken, one.hurts) == (False, False)


def test_one_good_sample_ends_it() -> None:
    assert seen(latency={**last(12, 0.5), 2: 0.1}) == []


def test_what_passed_by_itself_within_the_hour_must_last_twice_as_long() -> None:
    earlier = dict.fromkeys(range(100, 106), 0.5)
    assert seen(latency={**earlier, **last(11, 0.5)}) == []
    assert len(seen(latency={**earlier, **last(12, 0.5)})) == 1


def test_a_share_of_a_few_requests_says_nothing() -> None:
    rare = dict.fromkeys(range(1, HOUR + 1), 0.2)
    assert seen(errors=last(8, 0.3), traffic=rare) == []


def test_traffic_that_is_gone_hurts_and_traffic_that_rises_does_not() -> None:
    (one,) = seen(traffic=last(12, 0.0))
    assert (one.signal, one.hurts) == (Signal.TRAFFIC, True)
    assert seen(traffic=last(40, 500.0)) == []


def test_a_full_machine_is_listed_after_ten_minutes() -> None:
    assert seen(saturation=last(39, 0.97)) == []
    (one,) = seen(saturation=last(40, 0.97))
    assert not one.hurts


def test_a_level_that_was_always_there_is_no_news() -> None:
    assert seen(latency=dict.fromkeys(range(1, HOUR + 1), 0.5)) == []


def test_an_hour_that_is_not_known_shows_nothing() -> None:
    short = {key: Track(one.service, one.signal, one.at[-20:], one.values[-20:], "", "")
             for key, one in tracks(latency=last(12, 0.5)).items()}  # fmt: skip
    watched = Watched.of(short)
    assert noticed(watched, bars(watched, PROMISE)) == []
    assert noticed(Watched.of({}), bars(Watched.of({}), PROMISE)) == []


def then(values: Floats) -> Track:
    return Track(A, Signal.LATENCY, np.arange(len(values), dtype=np.float64) * STEP, values, "", "")


def test_what_was_as_bad_at_this_time_of_another_day_is_a_habit() -> None:
    (one,) = seen(latency=last(8, 0.5))
    now, quiet = HOUR * STEP, np.full(HOUR, 0.1)
    job, blip = quiet.copy(), quiet.copy()
    job[100:140], blip[100:102] = 0.4, 0.5
    assert as_then(one, then(job), now)
    assert not as_then(one, then(blip), now)
    assert not as_then(one, then(quiet), now)
    assert not as_then(one, then(quiet[:2]), now)


def test_without_its_hold_a_pause_would_be_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted defect: one look is enough."""
    seams.WATCH_HOLD.plant(monkeypatch, 0.0)
    assert len(seen(latency=last(3, 0.5))) == 1
