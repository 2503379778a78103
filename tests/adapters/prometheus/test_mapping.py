"""Signals are found by recipes from names and labels alone."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from aiops_agent.adapters.prometheus.catch import Catch
from aiops_agent.adapters.prometheus.mapping import SignalMap, signal_map
from aiops_agent.adapters.prometheus.names import Names
from aiops_agent.adapters.prometheus.recipe import How, usual_recipes
from aiops_agent.adapters.prometheus.signals import question
from aiops_agent.domain.declaration import Declaration, DeclaredSignal, Match, SeriesKind
from aiops_agent.domain.survey import Instances
from aiops_agent.domain.telemetry import ServiceName, Signal

PAY, CART = ServiceName("pay"), ServiceName("cart")
RUNNING = [
    Instances(service=PAY, aliases=("shop-pay-1", "172.18.0.3", "shop-pay-2", "172.18.0.5")),
    Instances(service=CART, aliases=("shop-cart-1", "172.18.0.4")),
]
USUAL = {
    "http_request_duration_seconds_bucket": [{"service": "pay"}, {"service": "cart"}],
    "http_requests_total": [{"service": "pay", "code": "200"}, {"service": "cart", "code": "200"}],
    "up": [{"service": "pay"}, {"service": "cart"}],
}


def mapped(
    rows: dict[str, list[dict[str, str]]],
    declared: dict[ServiceName, Declaration] | None = None,
    running: Sequence[Instances] = RUNNING,
    intervals: dict[str, timedelta] | None = None,
) -> SignalMap:
    names = Names.of(running, declared or {})
    return signal_map(Catch(rows, intervals or {}), usual_recipes(), names)


def text(found: SignalMap, service: ServiceName, signal: Signal) -> str:
    return question([found.sources[service, signal]], timedelta(0)).expression.render()


def test_a_prometheus_client_library_gives_all_request_signals() -> None:
    found = mapped(USUAL)

    seen = {source.signal for source in found.of(PAY)}
    assert seen == {Signal.LATENCY, Signal.TRAFFIC, Signal.ERRORS, Signal.REPLICAS}
    assert 'code=~"5.."' in text(found, PAY, Signal.ERRORS)


def test_opentelemetry_names_labels_and_a_histogram_alone_give_the_same_signals() -> None:
    rows = [{"job": "pay", "http_response_status_code": "200"}]
    found = mapped(
        {
            "http_server_request_duration_seconds_bucket": rows,
            "http_server_request_duration_seconds_count": rows,
        }
    )

    assert {source.signal for source in found.of(PAY)} == {
        Signal.LATENCY,
        Signal.TRAFFIC,
        Signal.ERRORS,
    }
    assert {source.recipe for source in found.of(PAY)} == {"otel"}


def test_series_that_name_no_service_are_known_by_the_address_of_its_containers() -> None:
    rows = [
        {"job": "docker", "instance": "172.18.0.3:80"},
        {"job": "docker", "instance": "172.18.0.5:80"},
        {"job": "docker", "instance": "172.18.0.4:80"},
    ]

    found = mapped({"http_request_duration_seconds_bucket": rows})

    assert found.sources[PAY, Signal.LATENCY].label == "instance"
    assert found.sources[PAY, Signal.LATENCY].values == ("172.18.0.3:80", "172.18.0.5:80")


def test_a_job_of_one_service_outlives_the_addresses_of_its_replicas() -> None:
    rows = [
        {"job": "payments", "instance": "172.18.0.3:80"},
        {"job": "payments", "instance": "172.18.0.9:80"},
        {"job": "cart", "instance": "172.18.0.4:80"},
    ]

    found = mapped({"up": rows})

    assert found.sources[PAY, Signal.REPLICAS].values == ("payments",)


def test_nobodys_services_become_services_when_nobody_else_knows_any() -> None:
    found = mapped(USUAL, running=())

    assert set(found.names.services) == {"pay", "cart"}


def test_series_of_others_are_left_alone_where_services_are_known() -> None:
    found = mapped({**USUAL, "http_requests_total": [{"service": "stranger", "code": "200"}]})

    assert "stranger" not in found.names.services


def test_a_percentile_of_any_recipe_goes_before_a_mean() -> None:
    found = mapped(
        {
            "http_request_duration_seconds_sum": [{"service": "pay"}],
            "http_request_duration_seconds_count": [{"service": "pay"}],
            "istio_request_duration_milliseconds_bucket": [
                {"destination_workload": "pay", "reporter": "destination"}
            ],
        }
    )

    assert found.sources[PAY, Signal.LATENCY].recipe == "istio"
    assert "* 0.001" in text(found, PAY, Signal.LATENCY)


def test_a_mean_is_better_than_no_latency() -> None:
    rows = [{"service": "pay"}]
    found = mapped(
        {
            "http_request_duration_seconds_sum": rows,
            "http_request_duration_seconds_count": rows,
        }
    )

    assert found.sources[PAY, Signal.LATENCY].spec.how is How.AVERAGE


def test_a_rule_whose_companion_is_missing_is_not_used() -> None:
    assert not mapped({"hikaricp_connections_active": [{"service": "pay"}]}).of(PAY)


def test_declared_labels_choose_among_series_of_the_same_name() -> None:
    declared = {PAY: Declaration(match=Match(labels={"service": "pay", "env": "prod"}))}
    rows = [{"service": "pay", "env": "prod"}, {"service": "pay", "env": "test"}]

    found = mapped({"http_request_duration_seconds_bucket": rows}, declared)

    assert '{service="pay",env="prod"}' in text(found, PAY, Signal.LATENCY)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (
            DeclaredSignal(metric="pay_time", kind=SeriesKind.HISTOGRAM, labels={"a": "b"}),
            'histogram_quantile(0.95, sum by (le) (rate(pay_time_bucket{a="b"}[60000ms])))',
        ),
        (
            DeclaredSignal(metric="pay_ms", labels={"a": "b"}, scale=0.001),
            '(avg (pay_ms{a="b"}) * 0.001)',
        ),
        (
            DeclaredSignal(metric="used", whole="most", labels={"a": "b"}),
            '(sum (used{a="b"}) / sum ((most{a="b"} > 0.0)))',
        ),
    ],
)
def test_a_declared_signal_is_read_as_it_says(declared: DeclaredSignal, expected: str) -> None:
    rows = {name: [{"a": "b"}] for name in ("pay_time_bucket", "pay_ms", "used", "most")}
    found = mapped({**USUAL, **rows}, {PAY: Declaration(signals={Signal.LATENCY: declared})})

    assert text(found, PAY, Signal.LATENCY) == expected
    assert found.sources[PAY, Signal.LATENCY].recipe == "declared"


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        (DeclaredSignal(metric="pay_ms"), "declared as pay_ms, which does not exist"),
        (
            DeclaredSignal(metric="http_requests_total", labels={"a": "c"}),
            "declared as http_requests_total, no series of which has these labels",
        ),
    ],
)
def test_a_declared_signal_that_does_not_exist_is_missing(
    declared: DeclaredSignal, why: str
) -> None:
    found = mapped(USUAL, {PAY: Declaration(signals={Signal.LATENCY: declared})})

    assert (PAY, Signal.LATENCY) not in found.sources
    assert found.unseen[PAY, Signal.LATENCY] == why


def test_calls_are_read_from_service_graphs_and_named_as_services() -> None:
    rows = [{"client": "PAY", "server": "cart"}, {"client": "user", "server": "pay"}]

    found = mapped({"traces_service_graph_request_total": [*rows, {"client": "x"}]})

    assert found.calls == ((PAY, CART),)


def test_rates_look_back_over_four_scrapes_of_their_own_job() -> None:
    rows = [{"service": "pay", "job": "slow"}, {"service": "cart", "job": "quick"}]
    every = {"slow": timedelta(seconds=30), "quick": timedelta(seconds=1)}

    found = mapped({"http_requests_total": rows}, intervals=every)

    assert "[120000ms]" in text(found, PAY, Signal.TRAFFIC)
    assert "[10000ms]" in text(found, CART, Signal.TRAFFIC)
