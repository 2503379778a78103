"""Two faults at once: what stands second, beside a first cause that explains most of it."""

from collections.abc import Callable

import pytest

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import ChangeKind, ServiceKind, Signal
from tests import seams
from tests.reasoning.scenes import CHAIN, Story, first, jump, story, two

KINDS = {"store": ServiceKind.DATABASE, "cache": ServiceKind.CACHE}
LATER = 40.0  # seconds behind the first of two faults
OUTSIDE = (("front", "api"), ("api", "pay"))


@pytest.mark.parametrize("one", ["hang", "release"])
def test_of_two_faults_at_once_both_are_among_the_first_two(one: str) -> None:
    told = story()
    if one == "hang":
        told.move("api", errors=(0.001, 0.5), latency=(0.1, 1.0), saturation=(0.3, 0.1))
    else:
        told.change("api", ChangeKind.RELEASE, -30.0)
        told.move("api", latency=(0.1, 1.0), saturation=(0.3, 0.7))
    told.move("side", traffic=(40.0, 130.0), latency=(0.1, 0.9), saturation=(0.3, 0.99))
    told.move("front", latency=(0.1, 2.0), errors=(0.001, 0.2))

    assert set(two(told)) == {"api", "side"}


BESIDE_A_HANG: tuple[Callable[[Story], object], ...] = (
    lambda told: told.courses.update({("cache", Signal.CACHE_HITS): jump(0.92, 0.08, LATER)}),
    lambda told: told.change("side", ChangeKind.RELEASE, LATER - 5.0).move_later(
        "side", LATER, latency=(0.1, 0.18), errors=(0.001, 0.02)
    ),
    # All that it suffers is explained by the callee that hangs: its release is told all the same.
    lambda told: told.change("front", ChangeKind.RELEASE, -20.0),
)


@pytest.mark.parametrize(("number", "service"), [(0, "cache"), (1, "side"), (2, "front")])
def test_a_second_fault_that_began_half_a_minute_ago_is_among_the_first_two(
    number: int, service: str
) -> None:
    """Two clear samples of three are no spike, though they are no long "now" yet."""
    assert set(two(beside_a_hang(number))) == {"api", service}


def test_a_release_after_the_trouble_began_stands_beside_it_and_never_first() -> None:
    told = beside_a_hang(2)
    told.changes = told.changes[:1]
    told.change("side", ChangeKind.RELEASE, 60.0)
    kind, service = first(told)

    assert (kind, service) == (CauseKind.HANG, "api")
    assert set(two(told)) == {"api", "side"}


def test_new_demand_that_nobody_upstream_explains_is_the_second_of_two() -> None:
    """A cache is flushed; beside it a service is asked more, and does not suffer yet."""
    told = Story((*CHAIN, ("side", "cache"), ("front", "more")), "front", kinds=KINDS)
    told.courses["cache", Signal.CACHE_HITS] = jump(0.92, 0.08)
    told.move("store", traffic=(8.0, 60.0), latency=(0.01, 0.2), saturation=(0.2, 0.98))
    told.move("side", latency=(0.1, 0.4)).move("front", latency=(0.1, 0.4))
    told.move_later("more", 190.0, traffic=(40.0, 62.0))

    assert first(told) == (CauseKind.COLD_CACHE, "cache")
    assert two(told) == ["cache", "more"]


def test_demand_that_the_first_passes_on_is_no_second_fault() -> None:
    """A surge leaves more work in a queue; beside it a service that calls the first is released."""
    calls = (("front", "api"), ("api", "queue"), ("worker", "queue"))
    told = Story(calls, "api", kinds={"queue": ServiceKind.QUEUE})
    told.move("api", traffic=(40.0, 120.0), latency=(0.1, 2.0), saturation=(0.3, 0.99))
    told.move("worker", traffic=(10.0, 30.0), latency=(0.1, 0.3), saturation=(0.3, 0.9))
    told.change("front", ChangeKind.RELEASE, -10.0).move("front", latency=(0.2, 3.0))

    assert first(told) == (CauseKind.CAPACITY, "api")
    assert two(told) == ["api", "front"]


def test_more_requests_than_an_outage_explains_stand_beside_it_though_they_may_be_retries() -> None:
    told = Story(OUTSIDE, "api", kinds={"pay": ServiceKind.EXTERNAL})
    told.move("pay", errors=(0.01, 0.5), latency=(0.1, 2.0))
    told.move("api", errors=(0.001, 0.4), latency=(0.2, 2.1), saturation=(0.5, 0.7))
    told.courses["api", Signal.TRAFFIC] = jump(40.0, 56.0, at=30.0)
    told.move("front", errors=(0.001, 0.3))

    assert first(told) == (CauseKind.DEPENDENCY, "pay")
    assert two(told) == ["pay", "api"]


def test_an_outside_service_that_a_hang_hides_is_told_beside_it() -> None:
    """Nobody asks it any more: who waits for it for ever would look the same."""
    told = Story(OUTSIDE, "api", kinds={"pay": ServiceKind.EXTERNAL})
    told.move("api", errors=(0.001, 1.0), latency=(0.1, 3.0), saturation=(0.3, 0.01))
    told.move("api", traffic=(40.0, 4.0)).move("pay", traffic=(40.0, 0.0))
    told.move("front", errors=(0.001, 0.9))

    assert first(told) == (CauseKind.HANG, "api")
    assert two(told) == ["api", "pay"]


def test_planted_a_now_of_two_minutes_hides_what_began_a_moment_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seams.A_MOMENT_AGO.plant(monkeypatch, 10**6)

    assert "cache" not in two(beside_a_hang(0))


def beside_a_hang(number: int) -> Story:
    """Return a hang of a callee with a fault beside it, 75 s after the first began."""
    told = Story((*CHAIN, ("side", "cache")), "front", kinds=KINDS, lasted=75.0)
    told.move("api", errors=(0.001, 0.5), latency=(0.1, 1.0), saturation=(0.3, 0.1))
    told.move("api", traffic=(40.0, 20.0)).move("front", latency=(0.1, 1.1), errors=(0.001, 0.4))
    told.courses["cache", Signal.CACHE_HITS] = jump(0.92, 0.92)
    BESIDE_A_HANG[number](told)
    return told


def test_who_passes_on_less_than_it_gets_is_told_beside_a_callee_that_explains_its_pain() -> None:
    told = story().change("api", ChangeKind.RELEASE, -30.0)
    told.move("store", latency=(0.01, 0.3), saturation=(0.3, 0.99))
    told.move("api", latency=(0.1, 2.0), errors=(0.001, 0.3), traffic=(40.0, 10.0))
    told.move("side", traffic=(40.0, 10.0)).move("front", latency=(0.1, 2.1), errors=(0.001, 0.5))

    assert first(told) == (CauseKind.RELEASE, "api")
    assert two(told) == ["api", "front"]


@pytest.mark.parametrize(
    ("alerting", "expected"),
    [("quote", (CauseKind.CAPACITY, "quote")), ("feed", (CauseKind.CRASH, "feed"))],
)
def test_of_two_that_are_ill_and_are_not_known_to_call_each_other_each_has_its_own_cause(
    alerting: str, expected: tuple[CauseKind, str]
) -> None:
    told = Story((("quote", "feed"),), alerting, graphless=True)
    told.move("quote", traffic=(4.0, 56.0), latency=(0.1, 1.9), errors=(0.0, 0.3))
    told.move("quote", saturation=(0.2, 1.0))
    told.courses["feed", Signal.REPLICAS] = lambda at: 0.0 if at > 0 and at % 45 < 15 else 1.0

    assert first(told) == expected
