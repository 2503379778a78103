"""Which routes fail: by the label that tells routes apart, of the counter or of the histogram."""

import pytest

from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.failing import PrometheusRoutes
from aiops_agent.domain.telemetry import RouteErrors, ServiceName

from .fake_prometheus import FakePrometheus, FixedClock

COUNTER = {"__name__": "http_requests_total", "service": "pay", "job": "shop", "status": "500"}
BUCKET = {**COUNTER, "__name__": "http_request_duration_seconds_bucket"}
COUNT = {**COUNTER, "__name__": "http_request_duration_seconds_count"}
FAILURES, SHARES = '=~"5', "* 0.0"  # parts of the two queries


def row(value: str, **labels: str) -> dict[str, object]:
    return {"metric": labels, "value": [0, value]}


async def failing(fake: FakePrometheus) -> tuple[RouteErrors, ...]:
    discovery = Discovery(fake.client, FixedClock())
    return await PrometheusRoutes(fake.client, discovery).failing(ServiceName("pay"))


async def test_the_route_with_most_failures_comes_first_with_its_share() -> None:
    shares = [row("0.05", handler="/orders"), row("1", handler="/checkout")]
    rates = [row("0.5", handler="/orders"), row("9.5", handler="/checkout")]
    fake = FakePrometheus(series=[COUNTER], now={SHARES: shares, FAILURES: rates})

    first, second = await failing(fake)

    assert (first.route, first.share, first.part) == ("/checkout", 1.0, 0.95)
    assert (second.route, second.share, second.part) == ("/orders", 0.05, 0.05)
    assert 'service="pay"' in first.query


async def test_where_the_counter_tells_no_route_the_count_of_the_histogram_is_asked() -> None:
    """As podinfo has it: a counter by status alone, a histogram by path and status."""
    rates = [row("2", path="api_echo")]
    fake = FakePrometheus(
        series=[COUNTER, BUCKET, COUNT],
        now={
            "http_request_duration_seconds_count{": rates,
            "http_requests_total{": [row("2")],
        },
    )

    [found] = await failing(fake)

    assert (found.route, found.part) == ("api_echo", 1.0)


@pytest.mark.parametrize("label", ["endpoint", "target"])
async def test_the_name_that_a_scrape_gives_a_port_is_no_route(label: str) -> None:
    port, path = row("2", **{label: "http-metrics"}), row("2", **{label: "/pay"})
    fake = FakePrometheus(series=[COUNTER], now={SHARES: [port], FAILURES: [port]})
    assert await failing(fake) == ()
    fake = FakePrometheus(series=[COUNTER], now={SHARES: [path], FAILURES: [path]})
    [found] = await failing(fake)
    assert found.route == "/pay"


async def test_where_nothing_fails_or_nothing_is_counted_there_is_no_route() -> None:
    none = FakePrometheus(series=[COUNTER], now={SHARES: [], FAILURES: []})
    assert await failing(none) == ()
    assert await failing(FakePrometheus(series=[{"__name__": "up", "job": "pay"}])) == ()
