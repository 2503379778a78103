"""Confirmed, contradicted or unseen: never more than telemetry says."""

import math
from datetime import timedelta

import pytest

from aiops_agent.agents import triage as triaging
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.triage import triage
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.diagnosis import TriageVerdict
from aiops_agent.domain.telemetry import Objective, Service, ServiceName, Signal, Workload
from aiops_agent.reasoning import read_alert
from tests.reasoning.world import BEGAN, Course, World, step, wobble

API = ServiceName("api")


def world(latency: tuple[float, float], errors: tuple[float, float], **more: object) -> World:
    courses = {(API, Signal.LATENCY): step(*latency), (API, Signal.ERRORS): step(*errors)}
    promised = Service(name=API, objective=Objective(latency=0.3, errors=0.02))
    given = {"courses": courses, "services": (promised,), "alerting": "api", **more}
    return World(**given)  # type: ignore[arg-type]  # a test's short hand


async def test_a_broken_promise_is_confirmed_with_its_impact() -> None:
    seen = await triage(world((0.1, 1.2), (0.001, 0.001)).briefing())
    assert seen.verdict is TriageVerdict.CONFIRMED
    assert seen.signal is Signal.LATENCY
    assert seen.impact == "api p95 is 1.2 s (objective 300 ms)"
    assert seen.began == BEGAN


async def test_failing_requests_are_told_in_percent() -> None:
    made = world((0.1, 0.1), (0.001, 0.125), alert="HighErrorRate")
    assert (await triage(made.briefing())).impact == "12.5% of api requests fail"


async def test_a_signal_that_is_fine_contradicts_the_alert() -> None:
    seen = await triage(world((0.1, 0.1), (0.001, 0.001)).briefing())
    assert seen.verdict is TriageVerdict.CONTRADICTED
    assert seen.severity is Severity.SEV4
    assert "latency p95 is 1" in seen.reason


async def test_another_pain_than_the_alert_names_still_confirms_it() -> None:
    seen = await triage(world((0.1, 0.1), (0.001, 0.4)).briefing())
    assert seen.verdict is TriageVerdict.CONFIRMED
    assert seen.signal is Signal.ERRORS


async def test_telemetry_that_is_down_never_dismisses() -> None:
    seen = await triage(world((0.1, 0.1), (0.0, 0.0), broken={"metrics"}).briefing())
    assert seen.verdict is TriageVerdict.UNSEEN
    assert any("metrics are away" in reason for reason in seen.missing)


async def test_telemetry_that_is_empty_never_dismisses() -> None:
    seen = await triage(world((0.1, 0.1), (0.0, 0.0), courses={}).briefing())
    assert seen.verdict is TriageVerdict.UNSEEN


async def test_the_named_signal_must_be_seen_to_contradict() -> None:
    fine = {(API, Signal.ERRORS): step(0.001, 0.001)}
    seen = await triage(world((0, 0), (0, 0), courses=fine).briefing())
    assert seen.verdict is TriageVerdict.UNSEEN


async def test_nan_is_not_a_healthy_value() -> None:
    nothing = {(API, Signal.LATENCY): lambda t: 0.1 if t < -60 else None}
    seen = await triage(world((0, 0), (0, 0), courses=nothing).briefing())
    assert seen.verdict is TriageVerdict.UNSEEN


async def test_without_a_promise_the_time_before_decides() -> None:
    made = world((0.1, 0.9), (0.001, 0.001), services=(Service(name=API),))
    assert (await triage(made.briefing())).verdict is TriageVerdict.CONFIRMED


async def test_without_promise_and_history_nothing_is_dismissed() -> None:
    made = world((0.1, 0.1), (0.0, 0.0), services=(), history=0.0, resolution=60.0)
    assert (await triage(made.briefing())).verdict is TriageVerdict.UNSEEN


async def test_trouble_that_went_away_contradicts_in_the_end() -> None:
    made = world((0.1, 0.1), (0.001, 0.001), now=BEGAN + timedelta(minutes=8))
    made.courses[API, Signal.LATENCY] = lambda t: 1.5 if 0 <= t < 120 else 0.1
    assert (await triage(made.briefing())).verdict is TriageVerdict.CONTRADICTED


@pytest.mark.parametrize(
    ("errors", "severity"),
    [(0.6, Severity.SEV1), (0.3, Severity.SEV1), (0.1, Severity.SEV2), (0.03, Severity.SEV3)],
)
async def test_severity_follows_the_share_of_failing_requests(
    errors: float, severity: Severity
) -> None:
    seen = await triage(world((0.1, 0.1), (0.001, errors)).briefing())
    assert seen.severity is severity


async def test_behind_other_services_the_same_share_weighs_less() -> None:
    made = world((0.1, 0.1), (0.001, 0.3), calls=(("front", "api"),))
    seen = await triage(made.briefing())
    assert seen.severity is Severity.SEV2
    assert seen.impact.endswith("front depends on it")


async def test_a_senders_wrong_clock_does_not_matter() -> None:
    made = world((0.1, 1.2), (0.001, 0.001))
    old = made.incident().model_copy(update={"started_at": BEGAN - timedelta(days=20_000)})
    assert (await triage(made.briefing(incident=old))).began == BEGAN


def instance(name: str, state: str, **other: object) -> Workload:
    given = {"service": API, "name": name, "state": state, "ended_at": BEGAN, **other}
    return Workload(**given)  # type: ignore[arg-type]  # a test's short hand


async def test_a_service_of_which_nothing_runs_is_out_whatever_its_signals_say() -> None:
    lost = tuple(instance(name, "restarting", exit_code=1) for name in ("api-1", "api-2"))
    seen = await triage(world((0.1, 0.1), (0.001, 0.001), instances=lost).briefing())
    assert (seen.verdict, seen.severity) == (TriageVerdict.CONFIRMED, Severity.SEV1)
    assert seen.impact == "api: 0 of 2 running: exit code 1 (×2)"


async def test_a_service_that_is_out_is_confirmed_without_any_telemetry() -> None:
    gone = (instance("api-1", "exited", exit_code=137, reason="OOMKilled"),)
    made = world((0.1, 0.1), (0.0, 0.0), instances=gone, broken={"metrics"})
    assert (await triage(made.briefing())).verdict is TriageVerdict.CONFIRMED


async def test_one_lost_instance_confirms_an_alert_about_instances_alone() -> None:
    one = (instance("api-1", "running"), instance("api-2", "paused"))
    down = world((0.1, 0.1), (0.001, 0.001), instances=one, alert="InstanceDown")
    seen = await triage(down.briefing())
    assert (seen.verdict, seen.severity) == (TriageVerdict.CONFIRMED, Severity.SEV2)
    slow = await triage(world((0.1, 0.1), (0.001, 0.001), instances=one).briefing())
    assert slow.verdict is TriageVerdict.UNSEEN
    assert "1 of 2 running: paused (api-2)" in slow.reason


async def test_instances_that_all_run_change_nothing() -> None:
    well = (instance("api-1", "running"), instance("api-2", "running"))
    seen = await triage(world((0.1, 0.1), (0.001, 0.001), instances=well).briefing())
    assert seen.verdict is TriageVerdict.CONTRADICTED


def unsteady(usual: float, now: float) -> Course:
    """Return waits that swing between the usual and twice as much, and then `now`."""

    def course(t: float) -> float:
        return (usual * (1.5 + 0.5 * math.sin(t / 17.0)) if t < 0 else now) * wobble(t)

    return course


def young(waits: float) -> Briefing:
    """An alert of half a minute about a service without an objective, seen every second."""
    made = world((0, 0), (0.001, 0.001), services=(Service(name=API),), resolution=1.0)
    made.courses[API, Signal.LATENCY] = unsteady(0.3, waits)
    made.history, made.now = 200.0, BEGAN + timedelta(seconds=30)
    return made.briefing()


async def test_an_alert_is_judged_by_what_was_seen_since_it_fired() -> None:
    seen = await triage(young(0.9))

    assert seen.verdict is TriageVerdict.CONFIRMED
    assert "latency p95 is 900 ms, usually 4" in seen.reason


async def test_waits_as_long_as_at_worst_never_dismiss() -> None:
    assert (await triage(young(0.7))).verdict is TriageVerdict.UNSEEN
    assert (await triage(young(0.5))).verdict is TriageVerdict.CONTRADICTED


async def test_a_dismissal_by_the_minutes_before_the_alert_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The planted defects: doubt dismisses, and so does what was before an alert."""
    monkeypatch.setattr(read_alert, "AS_EVER", math.inf)
    assert (await triage(young(0.7))).verdict is TriageVerdict.CONTRADICTED

    monkeypatch.setattr(triaging, "JUST_NOW", timedelta(minutes=5))
    assert (await triage(young(0.9))).verdict is TriageVerdict.CONTRADICTED
