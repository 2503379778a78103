"""Units are known, or there are none."""

import pytest

from aiops_agent.adapters.prometheus import units


@pytest.mark.parametrize(
    ("metric", "factor"),
    [
        ("http_request_duration_seconds_bucket", 1.0),
        ("http_server_duration_milliseconds_bucket", 1e-3),
        ("orders_http_request_duration_ms_sum", 1e-3),
        ("kafka_network_requestmetrics_totaltimems", 1e-3),
        ("redis_latency_percentiles_usec", 1e-6),
        ("process_cpu_time_ns_total", 1e-9),
        ("http_server_duration_bucket", None),
        ("orders_items_total", None),
    ],
)
def test_a_name_tells_its_unit_or_none(metric: str, factor: float | None) -> None:
    assert units.named(metric) == factor


@pytest.mark.parametrize(
    ("words", "factor"),
    [
        ("Response time in millis", 1e-3),
        ("Duration of HTTP requests, in seconds.", 1.0),
        ("ms", 1e-3),
        ("Measures the duration of inbound HTTP requests.", None),
        ("Milliseconds, once in seconds", None),
        ("", None),
    ],
)
def test_help_tells_a_unit_only_when_it_names_one(words: str, factor: float | None) -> None:
    assert units.said(words) == factor


@pytest.mark.parametrize(
    ("bounds", "factor"),
    [
        ([0.005, 0.01, 0.1, 1, 10], 1.0),
        ([0, 5, 10, 100, 1000, 10_000], 1e-3),
        ([0.001, 0.1, 10, 1000], 1.0),  # workflows
        ([0.1, 1, 10, 100, 1000], None),
        ([1, 5, 30, 60, 300], None),  # both can be
        ([0.001], None),
        ([], None),
    ],
)
def test_buckets_tell_a_unit_only_when_they_can_mean_but_one(
    bounds: list[float], factor: float | None
) -> None:
    assert units.bounded(bounds) == factor
