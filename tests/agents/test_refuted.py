"""No real outage is dismissed: only the very signal that an alert speaks of may contradict it."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from aiops_agent.agents.triage import triage
from aiops_agent.domain.alert import AlertList, AlertState, IncidentAlert, Severity
from aiops_agent.domain.diagnosis import Triage, TriageVerdict
from aiops_agent.domain.telemetry import (
    AlertRule,
    Objective,
    RuleReading,
    Service,
    ServiceName,
    Signal,
)
from tests.reasoning.world import BEGAN, Course, World, step

API = ServiceName("api")
CONFIRMED, CONTRADICTED = TriageVerdict.CONFIRMED, TriageVerdict.CONTRADICTED
UNSEEN = TriageVerdict.UNSEEN
SECONDS = "rate(http_request_duration_seconds_bucket[1m])"
P95, P99 = (f"histogram_quantile({q}, {SECONDS}) > 0.05" for q in (0.95, 0.99))
RATE, ALL = 'rate(http_requests_total{code=~"5.."}[1m])', "rate(http_requests_total[1m])"
FAILS = f"{RATE} / {ALL} > 0.0001"
UP = 'up{job="api"} == 0'
WELL: dict[Signal, Course] = {
    Signal.LATENCY: step(0.1, 0.1),
    Signal.ERRORS: step(0.001, 0.001),
    Signal.TRAFFIC: step(50, 50),
    Signal.REPLICAS: lambda _: 2.0,
    Signal.MEMORY: step(0.5, 0.5),
    Signal.SATURATION: step(0.3, 0.3),
}


def an_alert(text: str, service: str = "api", key: str = "k", **labels: str) -> IncidentAlert:
    return IncidentAlert(
        source="alertmanager",
        labels={"alertname": "Alert", "service": service, "job": service, **labels},
        state=AlertState.FIRING,
        generator_url=f"http://prometheus/graph?g0.expr={quote(text)}" if text else None,
        received_at=BEGAN,
        key=key,
        incident="INC-0007",
        since=BEGAN,
        last_seen=BEGAN,
    )


async def look(
    courses: dict[Signal, Course | None],
    *texts: str,
    callers: dict[Signal, Course] | None = None,
    alerts: AlertList | None = None,
    **more: object,
) -> Triage:
    """Look at a service that is well but for these courses; None is a signal that is not there."""
    given = {(API, signal): course for signal, course in {**WELL, **courses}.items() if course}
    given |= {(ServiceName("web"), signal): course for signal, course in (callers or {}).items()}
    world = World(
        courses=given,  # type: ignore[arg-type]  # a test's short hand
        alerting="api",
        services=(Service(name=API, objective=Objective(latency=0.3, errors=0.02)),),
        calls=(("web", "api"),) if callers is not None else (),
        **more,  # type: ignore[arg-type]  # a test's short hand
    )
    brought = tuple(an_alert(text, key=str(at)) for at, text in enumerate(texts))
    told = alerts or AlertList(shown=brought, total=len(brought))
    return await triage(world.briefing(alerts=told))


@pytest.mark.parametrize("text", [P95, FAILS, UP])
async def test_a_false_alarm_is_dismissed_by_its_own_signal(text: str) -> None:
    assert (await look({}, text)).verdict is CONTRADICTED


@pytest.mark.parametrize(
    "text",
    [
        P99,
        "redis_up == 0",
        "absent(http_requests_total)",
        "changes(process_start_time_seconds[5m]) > 0",
        'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1',
        "vector(1)",
        "api_frobs > 1",
        'rate(http_requests_total{code=~"4.."}[1m]) / rate(http_requests_total[1m]) > 0.1',
    ],
)
async def test_what_none_of_our_signals_speaks_of_is_never_dismissed(text: str) -> None:
    assert (await look({}, text)).verdict is UNSEEN


async def test_the_only_backend_frozen_is_an_outage_though_it_says_nothing_itself() -> None:
    gone: dict[Signal, Course | None] = {
        Signal.LATENCY: lambda t: 0.1 if t < 0 else None,
        Signal.ERRORS: lambda t: 0.0 if t < 0 else None,
        Signal.TRAFFIC: lambda t: 50.0 if t < 0 else None,
        Signal.REPLICAS: lambda t: 1.0 if t < 0 else 0.0,
    }
    seen = await look(gone, UP, callers={Signal.ERRORS: step(0.0, 1.0)})
    assert (seen.verdict, seen.severity) == (CONFIRMED, Severity.SEV1)
    assert "0 of 1 replicas are up" in seen.impact


async def test_without_any_signal_of_its_own_its_callers_failures_confirm_it() -> None:
    nothing: dict[Signal, Course | None] = dict.fromkeys(WELL)
    seen = await look(nothing, UP, callers={Signal.ERRORS: step(0.0, 0.98)})
    assert (seen.verdict, seen.severity) == (CONFIRMED, Severity.SEV1)
    assert seen.impact.startswith("98% of web requests fail")


async def test_one_lost_instance_confirms_whatever_their_number() -> None:
    seen = await look({Signal.REPLICAS: lambda t: 2.0 if t < 0 else 1.0}, UP)
    assert (seen.verdict, seen.severity) == (CONFIRMED, Severity.SEV2)
    lost = AlertList(shown=(an_alert(UP, instance="10.0.0.7:9898"),), total=1)
    told = await look({Signal.REPLICAS: lambda t: 2.0 if t < 0 else 1.0}, alerts=lost)
    assert told.impact == "api: 1 of 2 replicas are up; named: 10.0.0.7:9898"
    many = await look({Signal.REPLICAS: lambda t: 40.0 if t < 0 else 39.0}, UP)
    assert many.verdict is CONFIRMED


async def test_a_lost_instance_that_is_back_since_a_minute_is_not_fine_yet() -> None:
    back: Course = lambda t: 1.0 if 0 <= t < 120 else 2.0  # noqa: E731  # a course in a line
    assert (await look({Signal.REPLICAS: back}, UP)).verdict is UNSEEN


async def test_none_of_none_wanted_is_no_outage() -> None:
    seen = await look({Signal.REPLICAS: lambda _: 0.0}, UP, callers={})
    assert seen.verdict is not CONFIRMED


async def test_signals_that_a_service_had_and_lost_never_mean_no_harm() -> None:
    for signal in (Signal.LATENCY, Signal.ERRORS, Signal.TRAFFIC):
        seen = await look({signal: lambda t: 0.001 if t < 0 else None}, UP)
        assert seen.verdict is UNSEEN, signal
        assert "no longer seen" in seen.reason


async def test_a_counter_that_stands_still_is_harm_and_a_missing_scrape_is_unseen() -> None:
    seen = await look({Signal.TRAFFIC: lambda t: 50.0 if t < 0 else 0.0}, UP, callers={})
    assert (seen.verdict, seen.severity) == (CONFIRMED, Severity.SEV1)
    assert "receives no requests (usually 50/s)" in seen.impact


async def test_silence_that_is_usual_at_this_hour_is_no_harm() -> None:
    day = 86_400
    quiet: Course = lambda t: 50.0 if -3000 < t < 0 else 0.0  # noqa: E731  # a course in a line
    seen = await look({Signal.TRAFFIC: quiet}, UP, history=float(day + 3600))
    assert seen.verdict is CONTRADICTED


def a_bare_world(**courses: Course) -> World:
    """A service without objectives that is well but for these courses."""
    given = {Signal(name): course for name, course in courses.items()}
    return World(
        courses={("api", signal): course for signal, course in {**WELL, **given}.items()},
        services=(Service(name=API),),
        alerting="api",
    )


TOLD = AlertList(shown=(an_alert(FAILS),), total=1)


async def test_an_earlier_outage_in_the_window_hides_no_failures() -> None:
    course: Course = lambda t: 0.94 if -400 < t < -310 or t > 0 else 0.001  # noqa: E731
    seen = await triage(a_bare_world(errors=course).briefing(alerts=TOLD))
    assert seen.verdict is CONFIRMED


async def test_failures_are_harm_however_long_they_have_been_usual() -> None:
    seen = await triage(a_bare_world(errors=step(0.3, 0.3)).briefing(alerts=TOLD))
    assert seen.verdict is CONFIRMED
    few = a_bare_world(errors=step(0.3, 0.3), traffic=step(0.05, 0.05))  # 9 in ten minutes
    assert (await triage(few.briefing(alerts=TOLD))).verdict is not CONFIRMED


@pytest.mark.parametrize("days", [-20_000.0, -0.2, 0.0, 30.0])
@pytest.mark.parametrize(("errors", "verdict"), [(0.001, CONTRADICTED), (0.4, CONFIRMED)])
async def test_a_senders_clock_changes_no_verdict(
    days: float, errors: float, verdict: TriageVerdict
) -> None:
    made = a_bare_world(errors=step(0.001, errors))
    incident = made.incident().model_copy(update={"started_at": BEGAN + timedelta(days=days)})
    assert (await triage(made.briefing(incident=incident, alerts=TOLD))).verdict is verdict


async def test_two_good_minutes_do_not_refute_an_hours_burn_rate() -> None:
    burn = "http_requests:burnrate5m > 0.0144 and http_requests:burnrate1h > 0.0144"
    bad_before: Course = lambda t: 0.04 if -2000 < t < -60 else 0.0  # noqa: E731
    assert (await look({Signal.ERRORS: bad_before}, burn)).verdict is not CONTRADICTED
    assert (
        await look({Signal.ERRORS: lambda _: 0.0}, burn, history=20_000.0)
    ).verdict is CONTRADICTED


async def test_one_route_is_only_refuted_by_no_failure_at_all() -> None:
    def told(text: str) -> AlertList:
        return AlertList(shown=(an_alert(text, handler="/pay"),), total=1)

    assert (await look({}, alerts=told(FAILS))).verdict is UNSEEN
    none: dict[Signal, Course | None] = {Signal.ERRORS: lambda _: 0.0}
    assert (await look(none, alerts=told(FAILS))).verdict is CONTRADICTED


async def test_every_alert_of_an_incident_must_be_refuted() -> None:
    assert (await look({}, P95, FAILS)).verdict is CONTRADICTED
    assert (await look({}, P95, P99)).verdict is UNSEEN
    more = AlertList(shown=(an_alert(P95),), total=2)
    assert (await look({}, alerts=more)).verdict is UNSEEN


async def test_another_services_alert_in_the_incident_is_refuted_by_its_own_signals_only() -> None:
    both = AlertList(shown=(an_alert(P95), an_alert(P95, "web", "o")), total=2)
    assert (await look({}, alerts=both)).verdict is UNSEEN
    web = {Signal.LATENCY: step(0.1, 0.1)}
    assert (await look({}, alerts=both, callers=web)).verdict is CONTRADICTED


async def test_a_caller_that_suffers_keeps_an_alert_from_being_dismissed() -> None:
    seen = await look({}, UP, callers={Signal.ERRORS: step(0.0, 0.5)})
    assert seen.verdict is UNSEEN
    assert "web suffers" in seen.reason


@pytest.mark.parametrize(
    ("query", "verdict"),
    [("sum(redis_up)", CONTRADICTED), ('sum(up{job="redis-exporter"})', UNSEEN)],
)
async def test_the_very_series_of_an_alert_contradicts_it_and_its_exporters_up_does_not(
    query: str, verdict: TriageVerdict
) -> None:
    told = AlertList(shown=(an_alert("redis_up == 0"),), total=1)
    seen = await look({}, alerts=told, queries={(API, Signal.REPLICAS): query})
    assert seen.verdict is verdict


async def test_an_alert_of_one_instance_is_not_refuted_by_all_of_them_together() -> None:
    one = AlertList(shown=(an_alert(P95, instance="api-2:8080"),), total=1)
    assert (await look({}, alerts=one)).verdict is UNSEEN
    assert (await look({Signal.REPLICAS: lambda _: 1.0}, alerts=one)).verdict is CONTRADICTED


async def by_its_own(
    text: str, value: float, courses: dict[Signal, Course | None] | None = None, **labels: str
) -> Triage:
    """Look at an alert whose rule is listed and has this value for its labels now."""
    told = an_alert("", **labels)
    rule = AlertRule(name="Alert", expression=text)
    other = RuleReading(labels={"job": "web"}, value=0.0)
    own = RuleReading(labels={name: told.labels[name] for name in ("job", *labels)}, value=value)
    return await look(
        courses or {},
        alerts=AlertList(shown=(told,), total=1),
        listed=(rule,),
        readings={"Alert": (other, own)},
    )


async def test_the_value_of_its_own_rule_contradicts_a_higher_quantile() -> None:
    assert (await by_its_own(P99, 0.15)).verdict is CONTRADICTED
    assert (await by_its_own(P99, 0.35)).verdict is UNSEEN  # beyond the objective of 300 ms
    in_ms = P99.replace("_seconds_", "_milliseconds_")
    assert (await by_its_own(in_ms, 150.0)).verdict is CONTRADICTED
    assert (await by_its_own(f"1000 * {P99}", 350.0)).verdict is UNSEEN


async def test_the_value_of_its_own_rule_contradicts_an_alert_of_one_route() -> None:
    assert (await by_its_own(FAILS, 0.008, handler="/pay")).verdict is CONTRADICTED
    assert (await by_its_own(FAILS, 0.3, handler="/pay")).verdict is UNSEEN
    percent = f"100 * {FAILS}"
    assert (await by_its_own(percent, 0.8, handler="/pay")).verdict is CONTRADICTED
    assert (await by_its_own(percent, 30.0, handler="/pay")).verdict is UNSEEN


async def test_its_own_value_never_outweighs_the_service() -> None:
    slow: dict[Signal, Course | None] = {Signal.LATENCY: step(0.1, 1.2)}
    assert (await by_its_own(P99, 0.15, slow)).verdict is CONFIRMED
    assert (await by_its_own(P99, 0.15, {Signal.LATENCY: None})).verdict is UNSEEN


@pytest.mark.parametrize(
    "text",
    [
        "histogram_quantile(0.99, rate(etcd_disk_wal_fsync_duration_seconds_bucket[1m])) > 0.01",
        "histogram_quantile(0.99, rate(http_client_request_duration_seconds_bucket[1m])) > 0.01",
        "rate(redis_rejected_connections_total[1m]) > 0",
        'rate(http_requests_total{code=~"4.."}[1m]) / rate(http_requests_total[1m]) > 0.001',
    ],
)
async def test_the_value_of_what_is_no_request_answered_contradicts_nothing(text: str) -> None:
    assert (await by_its_own(text, 0.0001)).verdict is UNSEEN


async def test_a_window_beyond_all_bounds_is_never_seen_so_far_back() -> None:
    for length in ("5000d", "9" * 400 + "d"):
        assert (await look({}, FAILS.replace("1m", length))).verdict is UNSEEN
