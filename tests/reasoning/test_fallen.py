"""Who fell where only the number of instances that answer is counted, and no platform is asked."""

from collections.abc import Callable

import pytest

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import Signal
from aiops_agent.reasoning.fallen import fallen
from tests.reasoning.scenes import Story, jump

CHAIN = (("front", "api"), ("api", "store"))
UNSEEN = (Signal.SATURATION,)
Course = Callable[[float], float | None]


def counted(course: Course, *, heard: Course | None = None) -> Story:
    """Return a front that suffers from api, of whose instances so many answer.

    What else api tells of itself is a level at the moments that `heard` has, by default all.
    """
    told = Story(CHAIN, "front", unseen=UNSEEN, graphless=True)
    told.move("front", errors=(0.001, 0.9), latency=(0.1, 2.0))
    told.courses["front", Signal.REPLICAS] = jump(1.0, 1.0)
    told.courses["api", Signal.REPLICAS] = course
    if heard:
        told.courses["api", Signal.TRAFFIC] = heard
        for signal in (Signal.LATENCY, Signal.ERRORS):
            told.courses["api", signal] = jump(0.0, None)
    return told


def test_a_service_of_which_no_instance_answers_is_the_cause() -> None:
    told = counted(jump(1.0, 0.0), heard=lambda at: 40.0 if at < 60 else None)
    best = told.ranking[0].suspicion

    assert (best.kind, best.service) == (CauseKind.CRASH, "api")
    assert "nothing of api answers since" in best.statement


def test_what_goes_away_again_and_again_is_told_so() -> None:
    told = counted(lambda at: 0.0 if at > 0 and at % 45 < 15 else 1.0)

    assert dict(fallen(told.scene))["api"].words == "api goes away again and again"


def test_without_a_graph_who_is_gone_explains_who_fails() -> None:
    told = counted(jump(1.0, 1.0))
    told.move("front", errors=(0.001, 0.5), latency=(0.1, 0.1))
    assert told.ranking[0].suspicion.kind is CauseKind.ERRORS

    told.courses["store", Signal.REPLICAS] = jump(1.0, 0.0)
    best = told.ranking[0].suspicion

    assert (best.kind, best.service) == (CauseKind.CRASH, "store")


def test_where_two_go_away_again_and_again_it_is_what_both_share() -> None:
    """A starved machine, or the collector: none of the two is told."""
    often = counted(lambda at: 0.0 if at > 0 and at % 45 < 15 else 1.0)
    often.courses["store", Signal.REPLICAS] = lambda at: 0.0 if at > 0 and at % 90 < 15 else 1.0

    assert not dict(fallen(often.scene))


def test_who_is_gone_stands_before_who_goes_away_again_and_again() -> None:
    told = counted(lambda at: 0.0 if at > 0 and at % 45 < 15 else 1.0)
    told.courses["store", Signal.REPLICAS] = jump(1.0, 0.0)

    ended = [one for one in told.ranking if one.suspicion.kind is CauseKind.CRASH]

    assert [one.suspicion.service for one in ended] == ["store", "api"]
    assert ended[0].score > ended[1].score


def test_rates_that_look_back_do_not_hide_who_fell_silent() -> None:
    """Who counts the instances hears nothing since; a rate over minutes goes on for minutes."""
    told = counted(jump(1.0, None), heard=lambda at: 40.0 if at < 150 else None)

    assert "nothing of api is measured since" in dict(fallen(told.scene))["api"].words


@pytest.mark.parametrize(
    "course",
    [
        pytest.param(lambda at: 1.0, id="it is there"),
        pytest.param(lambda at: 0.0, id="it never was"),
        pytest.param(lambda at: 1.0 if at < -3600 else 0.0, id="it ended long before"),
        pytest.param(lambda at: 0.0 if 30 <= at < 60 else 1.0, id="once, and back"),
        pytest.param(
            lambda at: 0.0 if -60.0 <= at <= 0.0 and at % 30 == 0 else 1.0, id="and well for long"
        ),
        pytest.param(lambda at: 0.0 if at in (0.0, 45.0) else 1.0, id="twice by chance"),
        pytest.param(lambda at: 2.0 if at < 0 else 1.0, id="one of two is left"),
        pytest.param(lambda at: 0.0 if at % 45 == 0 else 1.0, id="as often before"),
    ],
)
def test_who_stands_has_not_fallen(course: Course) -> None:
    assert not dict(fallen(counted(course).scene))
