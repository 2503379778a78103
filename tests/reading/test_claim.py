"""What an alert claims, and which signal could contradict it."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from aiops_agent.domain.alert import Alert, AlertState
from aiops_agent.domain.meaning import AlertClaim, AlertMeaning, ClaimSource
from aiops_agent.domain.telemetry import AlertRule, Signal
from aiops_agent.reading.alert import expression_of, linked_expression, read_alert
from aiops_agent.reading.same import measures_the_same

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
KNOWN = ("pay", "redis", "orders")


def alert(name: str, text: str = "", summary: str = "", **labels: str) -> Alert:
    link = f"http://prometheus:9090/graph?g0.expr={quote(text)}&g0.tab=1" if text else None
    return Alert(
        source="alertmanager",
        labels={"alertname": name, "service": "pay", **labels},
        annotations={"summary": summary} if summary else {},
        state=AlertState.FIRING,
        generator_url=link,
        received_at=NOW,
    )


def meaning(name: str, text: str = "", summary: str = "", **labels: str) -> AlertMeaning:
    return read_alert(alert(name, text, summary, **labels), (), KNOWN)


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("histogram_quantile(0.9, rate(http_request_duration_seconds_bucket[5m])) > 1",
         AlertClaim.LATENCY),
        ('sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 1',
         AlertClaim.ERRORS),
        ("up == 0", AlertClaim.AVAILABILITY),
        ("redis_up == 0", AlertClaim.AVAILABILITY),
        ("absent(http_requests_total) == 1", AlertClaim.MONITORING),
        ("container_memory_working_set_bytes / container_spec_memory_limit_bytes > .9",
         AlertClaim.MEMORY),
        ('kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1',
         AlertClaim.MEMORY),
        ("increase(kube_pod_container_status_restarts_total[1h]) > 3", AlertClaim.RESTARTS),
        ("mysql_global_status_uptime < 60", AlertClaim.RESTARTS),
        ("node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.1", AlertClaim.DISK),
        ("node_disk_io_time_weighted_seconds_total > 10", AlertClaim.SATURATION),
        ("probe_ssl_earliest_cert_expiry - time() < 86400", AlertClaim.CERTIFICATE),
        ("pg_replication_lag_seconds > 5", AlertClaim.REPLICATION),
        ("kafka_consumergroup_lag > 1000", AlertClaim.QUEUE),
        ("time() - redis_rdb_last_save_timestamp_seconds > 1e5", AlertClaim.JOB_FAILED),
        ("kube_resourcequota > 1", AlertClaim.QUOTA),
        ("node_timex_offset_seconds > 0.05", AlertClaim.CLOCK),
        ("prometheus_config_last_reload_successful == 0", AlertClaim.CONFIG),
        ("rate(prometheus_rule_evaluation_failures_total[5m]) > 0", AlertClaim.MONITORING),
        ("vector(1)", AlertClaim.DEADMAN),
        ("min_over_time(container_cpu_usage_seconds_total[7d]) < .1", AlertClaim.COST),
        ("node_network_receive_errs_total > 1", AlertClaim.OTHER),
        ("sum(rate(http_requests_total[5m])) < 1", AlertClaim.TRAFFIC),
    ],
)  # fmt: skip
def test_the_expression_tells_the_claim_whatever_the_name_says(
    text: str, claim: AlertClaim
) -> None:
    seen = meaning("TooManyErrorsOnTheReplicaPool", text)
    assert (seen.claim, seen.source) == (claim, ClaimSource.EXPRESSION)


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("HighLatency", AlertClaim.LATENCY),
        ("ApiSlowP95", AlertClaim.LATENCY),
        ("request_duration_too_long", AlertClaim.LATENCY),
        ("Http5xxRate", AlertClaim.ERRORS),
        ("CheckoutFailures", AlertClaim.ERRORS),
        ("ContainerMemoryHigh", AlertClaim.MEMORY),
        ("CPUThrottling", AlertClaim.SATURATION),
        ("KafkaBacklog", AlertClaim.QUEUE),
        ("InstanceDown", AlertClaim.AVAILABILITY),
        ("TooManyRooms", None),
        ("PostgresReplicationLag", AlertClaim.REPLICATION),
        ("Watchdog", AlertClaim.DEADMAN),
        ("DeadMansSnitch", AlertClaim.DEADMAN),
    ],
)
def test_without_an_expression_whole_words_of_the_name_tell(
    name: str, claim: AlertClaim | None
) -> None:
    assert meaning(name).claim is claim


def test_an_instance_in_a_template_is_no_replica() -> None:
    assert meaning("A17", summary="A17 (instance web-1:80)").claim is None


def test_labels_say_what_an_objective_promises() -> None:
    text = "slo:sli_error:ratio_rate5m > 0.1 and slo:sli_error:ratio_rate1h > 0.1"
    assert meaning("Burn", text, sloth_slo="requests-latency").claim is AlertClaim.LATENCY
    seen = meaning("Burn", text, sloth_slo="requests-availability")
    assert seen.claim is AlertClaim.ERRORS
    assert [(one.signal, one.window) for one in seen.refuters] == [(Signal.ERRORS, 3600.0)]


def refuted_by(text: str, **labels: str) -> list[Signal]:
    return [one.signal for one in meaning("X", text, **labels).refuters]


RATE = 'sum(rate(http_requests_total{code=~"5.."}[5m]))'
ALL = "sum(rate(http_requests_total[5m]))"
MEAN = "rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m])"
PROXIED = "haproxy_server_response_errors_total / haproxy_server_http_responses_total"
SECONDS = "rate(http_request_duration_seconds_bucket[5m])"


@pytest.mark.parametrize(
    ("text", "signals"),
    [
        (f"histogram_quantile(0.95, {SECONDS}) > 1", [Signal.LATENCY]),
        (f"{RATE} / {ALL} > 0.1", [Signal.ERRORS]),
        (f"{ALL} > 1000", [Signal.TRAFFIC]),
        ('up{job="pay"} == 0', [Signal.REPLICAS]),
        ("rate(container_cpu_usage_seconds_total[5m]) > 1", [Signal.SATURATION]),
        ("container_memory_working_set_bytes / container_spec_memory_limit_bytes > .9",
         [Signal.MEMORY]),
        ("rabbitmq_queue_messages_ready > 10", [Signal.QUEUE]),
    ],
)  # fmt: skip
def test_a_signal_of_the_very_claim_may_contradict(text: str, signals: list[Signal]) -> None:
    assert refuted_by(text) == signals


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (f"histogram_quantile(0.99, {SECONDS}) > 1", {}),  # a p95 tells nothing of a p99
        (f"histogram_quantile(0.5, {SECONDS}) > 1", {"handler": "/pay"}),  # nor of one route
        (f"{MEAN} > 1", {}),  # nor of a mean
        ("histogram_quantile(0.9, etcd_disk_wal_fsync_duration_seconds_bucket) > 1", {}),
        ('sum(rate(http_requests_total{code=~"4.."}[5m])) / sum(rate(http_requests_total[5m])) > 1',
         {}),  # a 5xx share tells nothing of a 4xx one
        (f"{PROXIED} > 1", {}),  # a proxy counts otherwise
        ("redis_up == 0", {"job": "redis-exporter"}),
        ("up == 0", {"service": "exporter", "job": "redis-exporter"}),
        ('absent(up{job="pay"})', {}),
        ("changes(process_start_time_seconds[10m]) > 0", {}),
        ('kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1', {}),
        ("increase(redis_evicted_keys_total[5m]) > 0", {}),
        ("node_memory_MemAvailable_bytes < 5", {"instance": "pay:9100"}),
        (f"{ALL} < 1", {}),
        ("pay_frobs > 1", {}),
    ],
)  # fmt: skip
def test_what_only_looks_alike_contradicts_nothing(text: str, labels: dict[str, str]) -> None:
    seen = meaning("HighErrorRate", text, **labels)
    assert not seen.refuters
    assert seen.why


def test_single_failures_and_those_of_one_route_are_only_refuted_by_none_at_all() -> None:
    assert meaning("X", f"{RATE} > 0").refuters[0].none
    assert meaning("X", f"{RATE} / {ALL} > 0.1", handler="/pay").refuters[0].none
    assert not meaning("X", f"{RATE} / {ALL} > 0.1").refuters[0].none


def test_of_several_rules_of_a_name_the_one_with_its_labels_speaks() -> None:
    rules = [
        AlertRule(name="Burn", expression="a > 1", labels={"severity": "page"}),
        AlertRule(name="Burn", expression="b > 1", labels={"severity": "info"}),
    ]
    found = expression_of(alert("Burn", "c > 1", severity="page"), rules)
    assert found is not None
    assert found.measured[0].metric == "a"
    unclear = expression_of(alert("Burn", "c > 1", severity="page"), [*rules, rules[1].model_copy(
        update={"labels": {}})])  # fmt: skip
    assert unclear is not None
    assert unclear.measured[0].metric == "c"


@pytest.mark.parametrize(
    "link", [None, "", "https://x/[", "javascript:alert(1)", "http://x/graph?g1.expr=up"]
)
def test_a_link_without_an_expression_has_none(link: str | None) -> None:
    assert linked_expression(link) == ""


@pytest.mark.parametrize(
    ("text", "query", "same"),
    [
        ("redis_up == 0", 'sum(redis_up{job="x"})', True),
        ("redis_memory_used_bytes > 5", "redis_memory_used_bytes / redis_memory_max_bytes", True),
        ('a{mode="x"} > 1', "sum(a)", False),  # a part of what is read
        ('a{mode="x"} > 1', 'sum(a{mode="x"})', True),
        ("a / b > 1", "sum(a)", False),
        (f"histogram_quantile(0.99, {SECONDS}) > 1", f"histogram_quantile(0.95, {SECONDS})", False),
        (f"histogram_quantile(0.5, {SECONDS}) > 1", f"histogram_quantile(0.95, {SECONDS})", True),
        (f"{MEAN} > 1", f"histogram_quantile(0.95, {SECONDS})", False),
        (f"{MEAN} > 1", MEAN, True),
        ("a > 1", "not a query {{", False),
    ],
)  # fmt: skip
def test_a_signal_of_the_very_series_measures_the_same(text: str, query: str, same: bool) -> None:
    assert measures_the_same(text, query) is same
