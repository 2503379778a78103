"""Kinds of incident that were misread in real use, each as arithmetic over made-up numbers."""

from datetime import timedelta

import numpy as np
import pytest

from aiops_agent.domain.diagnosis import CauseKind, Confidence
from aiops_agent.domain.telemetry import ChangeKind, ServiceKind, ServiceName, Signal, Workload
from aiops_agent.reasoning.blame import blame
from aiops_agent.reasoning.evidence import find_start
from aiops_agent.reasoning.rank import confidence
from tests import seams
from tests.reasoning.scenes import BEGAN, CHAIN, Story, episodes, first, jump, story, two
from tests.reasoning.systems import BROKEN_ROWS, observed, system

UNSEEN = (Signal.SATURATION,)
KINDS = {"store": ServiceKind.DATABASE, "cache": ServiceKind.CACHE}


def test_errors_of_one_path_are_no_lack_of_capacity() -> None:
    told = story(unseen=UNSEEN).move("api", errors=(0.001, 0.12), traffic=(40.0, 44.0))
    told.move("front", errors=(0.001, 0.1), traffic=(40.0, 44.0))
    told.say("api", "POST /basket answered 500: KeyError 'size'")

    assert first(told) == (CauseKind.ERRORS, "api")
    assert "/basket" in told.ranking[0].suspicion.statement


@pytest.mark.parametrize("logs", [True, False])
def test_errors_without_slowness_are_errors_with_everything_seen(logs: bool) -> None:
    told = story().move("api", errors=(0.001, 0.12)).move("front", errors=(0.001, 0.1))
    if logs:
        told.say("api", "unhandled exception: KeyError 'size'")

    assert first(told) == (CauseKind.ERRORS, "api")


def test_what_an_ended_incident_moved_does_not_explain_the_next_one() -> None:
    """Traffic surged ten minutes ago and is as usual again when the callee freezes."""
    told = story(unseen=UNSEEN)
    for name in ("front", "api"):
        told.courses[name, Signal.TRAFFIC] = episodes(40.0, 120.0, (-900.0, -600.0))
        told.courses[name, Signal.LATENCY] = episodes(0.1, 1.2, (-880.0, -600.0), (0.0, 1e6))
    told.move("api", errors=(0.001, 0.5)).move("front", errors=(0.001, 0.5))
    kind, service = first(told)

    assert (kind, service) != (CauseKind.CAPACITY, "api")
    assert service == "api"


def test_three_earlier_incidents_do_not_hide_the_fourth() -> None:
    earlier = ((-2400.0, -2160.0), (-1700.0, -1460.0), (-1000.0, -760.0))
    told = story()
    now = (*earlier, (0.0, 1e6))
    for name in ("front", "api"):
        told.courses[name, Signal.TRAFFIC] = episodes(40.0, 110.0, *now)
        told.courses[name, Signal.LATENCY] = episodes(0.1, 1.4, *now)
    told.courses["api", Signal.SATURATION] = episodes(0.35, 0.99, *now)

    assert first(told) == (CauseKind.CAPACITY, "api")
    assert abs(told.scene.began - BEGAN.timestamp()) <= 30.0


def stopped(*, seen: bool, listed: bool = True) -> Story:
    """A store that was stopped three minutes after a release of its caller."""
    told = Story(CHAIN, "front", kinds={"store": ServiceKind.CACHE})
    told.change("api", ChangeKind.RELEASE, -180.0)
    for name in ("front", "api"):
        told.move(name, errors=(0.001, 0.8), latency=(0.1, 0.12))
    told.move("side", errors=(0.001, 0.3))
    for signal in (Signal.LATENCY, Signal.ERRORS, Signal.TRAFFIC, Signal.SATURATION):
        level = {Signal.LATENCY: 0.001, Signal.ERRORS: 0.0}.get(signal, 40.0)
        told.courses["store", signal] = jump(level, None)
    if not seen:
        told.unseen = UNSEEN
    if listed:
        ended = BEGAN + timedelta(seconds=1)
        told.instances = (
            Workload(service=ServiceName("store"), name="store-1", state="exited", ended_at=ended),
        )
    return told


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("listed", [True, False])
def test_a_store_that_was_stopped_stands_before_the_release_of_its_caller(
    seen: bool, listed: bool
) -> None:
    """Also where no platform lists what runs: all its series end."""
    told = stopped(seen=seen, listed=listed)

    assert first(told) == (CauseKind.CRASH, "store")
    assert two(told) == ["store", "api"]


@pytest.mark.parametrize("pain", [True, False])
def test_a_release_whose_instances_end_again_and_again_is_that_release(pain: bool) -> None:
    """Also where the old instances still serve everybody."""
    told = Story(CHAIN, "api", kinds={"store": ServiceKind.DATABASE})
    told.change("api", ChangeKind.RELEASE, -40.0)
    if pain:
        told.move("api", errors=(0.001, 0.4)).move("front", errors=(0.001, 0.3))
    told.instances = (
        Workload(service=ServiceName("api"), name="api-1", state="running"),
        Workload(
            service=ServiceName("api"),
            name="api-2",
            state="waiting",
            reason="CrashLoopBackOff",
            restarts=4,
            exit_code=1,
        ),
    )

    assert first(told) == (CauseKind.RELEASE, "api")


def test_instances_that_run_out_of_memory_are_named_as_that() -> None:
    told = story().move("api", errors=(0.001, 0.4)).move("front", errors=(0.001, 0.3))
    told.instances = (
        Workload(
            service=ServiceName("api"),
            name="api-1",
            state="running",
            reason="OOMKilled",
            exit_code=137,
            restarts=5,
            started_at=BEGAN + timedelta(seconds=200),
            memory_limit=256 * 2**20,
        ),
    )

    assert first(told) == (CauseKind.CRASH, "api")
    assert "memory" in told.ranking[0].suspicion.statement


@pytest.mark.parametrize("unseen", [(), UNSEEN])
@pytest.mark.parametrize("silent", [True, False])
def test_a_callee_of_which_all_replicas_froze_is_the_cause(
    unseen: tuple[Signal, ...], silent: bool
) -> None:
    """A frozen process answers no scrape either: its series end, unless others measure it."""
    told = story(unseen=unseen)
    told.move("front", errors=(0.001, 0.9), latency=(0.1, 4.0), saturation=(0.3, 0.35))
    for signal, after in ((Signal.LATENCY, 2.0), (Signal.ERRORS, 1.0)):
        told.courses["api", signal] = jump(0.05, None if silent else after)
    if silent:
        told.courses["api", Signal.TRAFFIC] = jump(40.0, None)
        told.courses["api", Signal.SATURATION] = jump(0.3, None)
    else:
        told.move("api", saturation=(0.3, 0.02))
    told.move("store", traffic=(40.0, 12.0))
    kind, service = first(told)

    assert service == "api"
    assert kind in (CauseKind.HANG, CauseKind.CRASH)


@pytest.mark.parametrize("graphless", [False, True])
def test_an_outside_service_that_fails_with_all_its_callers_is_the_cause(graphless: bool) -> None:
    told = Story(CHAIN, "front", kinds={"store": ServiceKind.EXTERNAL}, graphless=graphless)
    told.move("store", errors=(0.01, 0.8), latency=(0.1, 2.0))
    for name in ("api", "side", "front"):
        told.move(name, errors=(0.001, 0.6), latency=(0.2, 2.1))

    assert first(told) == (CauseKind.DEPENDENCY, "store")


@pytest.mark.parametrize("graphless", [False, True])
def test_a_database_made_slow_by_its_callers_release_is_that_release(graphless: bool) -> None:
    told = story(graphless=graphless).change("api", ChangeKind.RELEASE, -30.0)
    told.move("store", latency=(0.01, 0.3), saturation=(0.3, 0.99), traffic=(80.0, 83.0))
    for name in ("api", "side", "front"):
        told.move(name, latency=(0.1, 0.5))

    assert first(told) == (CauseKind.RELEASE, "api")


@pytest.mark.parametrize("graphless", [False, True])
def test_a_flushed_cache_is_the_cause(graphless: bool) -> None:
    calls = (("front", "api"), ("api", "cache"), ("api", "store"))
    kinds = {"store": ServiceKind.DATABASE, "cache": ServiceKind.CACHE}
    told = Story(calls, "front", kinds=kinds, graphless=graphless)
    told.courses["cache", Signal.CACHE_HITS] = lambda t: (
        0.95 if t < 0 else 0.05 + 0.4 * (1 - np.exp(-t / 300.0))
    )
    told.move("store", traffic=(8.0, 60.0), latency=(0.01, 0.2), saturation=(0.2, 0.98))
    for name in ("front", "api"):
        told.move(name, latency=(0.1, 0.4))

    assert first(told) == (CauseKind.COLD_CACHE, "cache")


def waiting() -> Story:
    """Return a service that is slow for what nobody measures: the way to whom it calls."""
    told = Story(CHAIN, "front", kinds=KINDS, unseen=(Signal.ERRORS,))
    told.move("api", latency=(0.4, 2.3), saturation=(0.3, 0.2)).move("front", latency=(0.5, 2.4))
    return told


def test_who_waits_for_what_nobody_sees_is_not_stuck() -> None:
    """It does less work, as who hangs does; without lost answers that is no sign."""
    told = waiting()

    assert first(told)[1] == "api"
    assert confidence(told.case, told.ranking)[0] is Confidence.LOW


def test_planted_answers_that_are_taken_for_lost_make_a_wait_a_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seams.LOST_ANSWERS.plant(monkeypatch, lambda _case, _name: 0.5)
    told = waiting()

    assert confidence(told.case, told.ranking)[0] is not Confidence.LOW


def test_resources_used_without_traffic_or_release_are_named_as_that() -> None:
    told = story().move("api", saturation=(0.3, 0.98), latency=(0.1, 0.8))
    told.move("front", latency=(0.1, 0.9))

    assert first(told) == (CauseKind.CONTENTION, "api")


def test_a_tail_that_moves_while_the_mean_does_not_is_seen() -> None:
    rows, dice = 80, np.random.default_rng(3)
    names = [(s, m) for s in ("a", "b", "c") for m in ("latency", "p99", "cpu")]
    values = 1.0 + 0.03 * dice.standard_normal((len(names), rows))
    values[names.index(("b", "p99")), -BROKEN_ROWS:] *= 3.0
    seen = observed(names, values, [(0, 1), (1, 2)], "a")

    assert blame(seen).blamed[0].service == "b"


def test_a_single_sample_of_five_minutes_is_enough_to_blame() -> None:
    seen, truth = system(5)
    table = seen.table
    kept = table.values.shape[1] - BROKEN_ROWS + 1
    at = BEGAN.timestamp() + 300.0 * (np.arange(kept) - (kept - 1))
    one = type(table)(
        at=at,
        values=table.values[:, :kept],
        service=table.service,
        metric=table.metric,
        kind=table.kind,
        percent=table.percent,
        outbound=table.outbound,
    )
    whole = type(seen)(seen.services, seen.metrics, one, BEGAN.timestamp(), seen.alert, seen.calls)

    assert blame(whole).blamed[0].service == truth


def test_a_peak_that_healed_is_still_blamed() -> None:
    seen, truth = system(11, factor=6.0)
    values = seen.table.values
    values[:, -4:] = values[:, :4]

    assert blame(seen).blamed[0].service == truth


def test_a_start_does_not_wander_back_to_what_passed_three_days_ago() -> None:
    """Two thousand samples before, of which an old incident was by far the loudest."""
    dice = np.random.default_rng(1)
    names = [("a", "latency"), ("b", "latency"), ("b", "cpu")]
    values = 1.0 + 0.03 * dice.standard_normal((3, 2000))
    values[:, 100:200] *= 9.0
    values[1:, -12:] *= 3.0
    seen = observed(names, values, [(0, 1)], "a").table
    reported = float(seen.at[-12])

    assert reported - find_start(seen, reported) <= 12 * 15.0


def test_a_live_start_does_not_wander_back_to_an_earlier_incident() -> None:
    told = story()
    for name in ("front", "api"):
        told.courses[name, Signal.LATENCY] = episodes(0.1, 3.0, (-2400.0, -1800.0), (0.0, 1e6))

    assert abs(told.scene.began - BEGAN.timestamp()) <= 30.0


def test_one_sample_of_five_minutes_is_enough_for_a_live_diagnosis() -> None:
    told = story(step=300.0, history=9000.0, lasted=290.0)
    told.move("api", latency=(0.1, 0.9), saturation=(0.3, 0.98)).move("front", latency=(0.1, 0.95))

    assert first(told)[1] == "api"


def test_a_peak_that_healed_names_its_service_live() -> None:
    told = story(lasted=480.0)
    for name, peak in (("api", 2.0), ("front", 2.1)):
        told.courses[name, Signal.LATENCY] = episodes(0.1, peak, (0.0, 180.0))
    told.courses["api", Signal.SATURATION] = episodes(0.3, 0.98, (0.0, 180.0))

    assert first(told)[1] == "api"


def test_instances_that_are_paused_are_frozen_and_not_gone() -> None:
    told = story(unseen=UNSEEN).move("front", errors=(0.001, 0.9), latency=(0.1, 4.0))
    told.move("api", errors=(0.001, 1.0), latency=(0.05, 2.0))
    long_ago = BEGAN - timedelta(days=3)
    told.instances = tuple(
        Workload(service=ServiceName("api"), name=f"api-{i}", state="paused", started_at=long_ago)
        for i in (1, 2)
    )

    assert first(told) == (CauseKind.HANG, "api")


def test_retries_are_no_demand_also_where_nobody_knows_who_calls_whom() -> None:
    told = story(unseen=UNSEEN, graphless=True).move("front", errors=(0.001, 0.5), latency=(0.1, 4))
    told.move("api", errors=(0.001, 0.6), latency=(0.05, 2.0))
    told.courses["api", Signal.TRAFFIC] = jump(40.0, 75.0, at=15.0)

    assert first(told)[0] is CauseKind.HANG
