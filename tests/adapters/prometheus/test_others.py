"""Metrics of programs that nobody here wrote are read as their authors document them."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from aiops_agent.adapters.prometheus.catch import Catch
from aiops_agent.adapters.prometheus.mapping import SignalMap, signal_map
from aiops_agent.adapters.prometheus.names import Names, spellings
from aiops_agent.adapters.prometheus.recipe import How, usual_recipes
from aiops_agent.adapters.prometheus.routes import HEALTH, STREAM
from aiops_agent.adapters.prometheus.signals import question
from aiops_agent.adapters.prometheus.words import Words
from aiops_agent.domain.survey import Instances
from aiops_agent.domain.telemetry import ServiceName, Signal

SHOP = {"job": "shop", "instance": "10.0.0.1:80"}
Rows = Mapping[str, Sequence[Mapping[str, str]]]


def found(catch: Catch, *running: str) -> SignalMap:
    names = Names.of((Instances(service=ServiceName(one)) for one in running), {})
    return signal_map(catch, usual_recipes(), names)


def query(known: SignalMap, signal: Signal, service: str = "shop") -> str:
    source = known.sources[ServiceName(service), signal]
    return question([source], timedelta(0)).expression.render()


def metric(known: SignalMap, signal: Signal, service: str = "shop") -> str:
    return known.sources[ServiceName(service), signal].spec.metric


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("redis_up", "redis"),
        ("pg_up", "postgres"),
        ("probe_success", "blackbox"),
        ("unheardof_up", "exporters"),
    ],
)
def test_the_thing_goes_before_its_exporter(name: str, whole: str) -> None:
    known = found(Catch({"up": [SHOP], name: [SHOP]}), "shop")

    assert metric(known, Signal.REPLICAS) == name
    assert known.sources[ServiceName("shop"), Signal.REPLICAS].recipe == whole


def test_a_limit_of_nothing_is_none() -> None:
    rows = {"redis_memory_used_bytes": [SHOP], "redis_memory_max_bytes": [SHOP]}

    assert 'redis_memory_max_bytes{job="shop"} > 0.0' in query(found(Catch(rows)), Signal.MEMORY)


def test_idle_time_is_what_is_left() -> None:
    known = found(Catch({"node_cpu_seconds_total": [{**SHOP, "mode": "idle"}]}))

    assert query(known, Signal.SATURATION) == (
        '(1.0 - avg (rate(node_cpu_seconds_total{job="shop",mode=~"idle"}[60000ms])))'
    )


def test_what_is_no_success_is_a_failure() -> None:
    rows = {"kafka_network_requestmetrics_errors_total": [{**SHOP, "error": "NONE"}]}

    assert 'error!~"NONE"' in query(found(Catch(rows)), Signal.ERRORS)


def test_a_gauge_is_no_counter_whatever_its_name_ends_in() -> None:
    catch = Catch(
        {"http_requests_total": [SHOP], "app_requests_total": [SHOP]},
        words={"http_requests_total": Words(type="gauge"), "app_requests": Words(type="counter")},
    )

    assert metric(found(catch), Signal.TRAFFIC) == "app_requests_total"


def test_a_counter_without_total_is_known_by_its_type_alone() -> None:
    rows = {"shop_requests": [SHOP], "http_request_duration_seconds_bucket": [SHOP]}
    counter = {"shop_requests": Words(type="counter")}

    assert metric(found(Catch(rows, words=counter)), Signal.TRAFFIC) == "shop_requests"
    assert (ServiceName("shop"), Signal.TRAFFIC) not in found(Catch(rows)).sources


def test_a_time_without_unit_is_read_by_its_buckets_else_not_at_all() -> None:
    name = "http_server_duration_bucket"
    millis = Catch({name: [SHOP]}, bounds={(name, "shop"): [5, 10, 100, 1000, 10_000]})
    seconds = Catch({name: [SHOP]}, bounds={(name, "shop"): [0.005, 0.1, 1, 10]})
    unknown = found(Catch({name: [SHOP]}))

    assert query(found(millis), Signal.LATENCY).endswith(" * 0.001)")
    assert " * " not in query(found(seconds), Signal.LATENCY)
    assert (ServiceName("shop"), Signal.LATENCY) not in unknown.sources
    assert "does not tell its unit" in unknown.unseen[ServiceName("shop"), Signal.LATENCY]


def test_a_histogram_without_finite_buckets_gives_its_mean() -> None:
    base = "http_request_duration_seconds"
    rows = {f"{base}{end}": [SHOP] for end in ("_bucket", "_sum", "_count")}

    known = found(Catch(rows, bounds={(f"{base}_bucket", "shop"): []}))

    assert known.sources[ServiceName("shop"), Signal.LATENCY].spec.how is How.AVERAGE


def test_the_finer_histogram_goes_before_the_coarse_one() -> None:
    coarse, fine = "http_request_duration_seconds_bucket", "my_http_request_duration_seconds_bucket"
    bounds = {(coarse, "shop"): [0.1, 0.5, 1], (fine, "shop"): [0.01 * i for i in range(1, 20)]}

    assert (
        metric(found(Catch({coarse: [SHOP], fine: [SHOP]}, bounds=bounds)), Signal.LATENCY) == fine
    )


def test_health_checks_are_left_out_and_streams_only_where_time_is_meant() -> None:
    bucket, counter = "http_request_duration_seconds_bucket", "http_requests_total"
    catch = Catch(
        {bucket: [SHOP], counter: [{**SHOP, "code": "200"}]},
        aside={bucket: ("path",), counter: ("path",)},
        streams={bucket: ("path",)},
    )

    known = found(catch)

    for signal in (Signal.LATENCY, Signal.TRAFFIC, Signal.ERRORS):
        assert "path!~" in query(known, signal)
    assert "websocket" in query(known, Signal.LATENCY)
    assert "websocket" not in query(known, Signal.TRAFFIC)


def test_what_comes_in_is_not_added_to_what_goes_out() -> None:
    rows = [{**SHOP, "direction": "inbound"}, {**SHOP, "direction": "outbound"}]

    assert "direction!~" in query(found(Catch({"http_requests_total": rows})), Signal.TRAFFIC)


@pytest.mark.parametrize(
    "route",
    ["/healthz", "/health/live", "/actuator/health", "/q/health/ready", "/-/healthy",
     "/metrics", "/livez", "/api/ping", "grpc.health.v1.Health",
     "prometheus-django-metrics", "/healthz?full=1"],
)  # fmt: skip
def test_a_probe_is_nobodys_work(route: str) -> None:
    assert re.fullmatch(HEALTH, route)


@pytest.mark.parametrize(
    "route", ["/orders", "/healthcare/patients", "/metricsets", "/alive-stories", "shop.Orders"]
)
def test_work_is_no_probe(route: str) -> None:
    assert not re.fullmatch(HEALTH, route)


def test_streams_are_known_by_their_last_word() -> None:
    assert re.fullmatch(STREAM, "/api/stream")
    assert re.fullmatch(STREAM, "/ws")
    assert not re.fullmatch(STREAM, "/streamers")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("http://payments-api:8080/healthz", "payments-api"),
        ("orders@docker", "orders"),
        ("coredns-66bc5c9577-d98t2", "coredns"),
        ("web-0", "web"),
        ("outbound|8080||orders.shop.svc.cluster.local", "orders"),
    ],
)
def test_a_value_may_name_a_service_in_many_ways(value: str, name: str) -> None:
    assert name in spellings(value)


def test_the_job_of_a_target_whose_requests_name_one_service_is_that_service() -> None:
    target = {"job": "scrape-7", "instance": "10.0.0.9:80"}
    known = found(Catch({"http_requests_total": [{**target, "service": "orders"}], "up": [target]}))

    assert query(known, Signal.REPLICAS, "orders") == 'sum (up{job="scrape-7"})'


def test_a_service_is_not_born_from_liveness_alone() -> None:
    assert not found(Catch({"up": [SHOP]})).names.services


def test_a_view_of_others_makes_no_target_theirs() -> None:
    target = {"job": "mesh", "instance": "10.0.0.9:80"}
    rows = {"envoy_cluster_upstream_rq_total": [{**target, "envoy_cluster_name": "orders"}]}

    known = found(Catch({**rows, "up": [target]}))

    assert (ServiceName("orders"), Signal.REPLICAS) not in known.sources


def test_a_native_histogram_is_read_without_buckets() -> None:
    name = "http_request_duration_seconds"
    known = found(Catch({name: [SHOP]}, words={name: Words(type="histogram")}))

    assert query(known, Signal.LATENCY) == (
        f'histogram_quantile(0.95, sum (rate({name}{{job="shop"}}[60000ms])))'
    )
    assert query(known, Signal.TRAFFIC).startswith("histogram_count (sum (rate(")
    assert not found(Catch({name: [SHOP]})).sources


def test_two_exporters_in_one_job_are_two_things() -> None:
    one = {"job": "exporters", "instance": "redis-exporter:9121"}
    other = {"job": "exporters", "instance": "postgres-exporter:9187"}

    known = found(Catch({"redis_up": [one], "pg_up": [other]}))

    assert metric(known, Signal.REPLICAS, "redis") == "redis_up"
    assert metric(known, Signal.REPLICAS, "postgres") == "pg_up"
    assert "exporters" not in known.names.services


def test_a_job_that_says_how_targets_are_found_names_no_thing() -> None:
    row = {"job": "docker", "instance": "127.0.0.1:9121", "service": "redis-exporter"}

    known = found(Catch({"redis_up": [row], "up": [row]}))

    assert known.names.services == ("redis",)
    assert metric(known, Signal.REPLICAS, "redis") == "redis_up"


def test_what_an_exporter_tells_of_is_the_things_and_not_the_exporters() -> None:
    rows = {"redis_up": [{"job": "redis-exporter"}], "up": [{"job": "redis-exporter"}]}

    known = found(Catch(rows), "redis", "redis-exporter")

    assert metric(known, Signal.REPLICAS, "redis") == "redis_up"
    assert metric(known, Signal.REPLICAS, "redis-exporter") == "up"


def test_a_job_of_known_and_unknown_targets_is_nobodys() -> None:
    rows = [{"job": "docker", "instance": "pay:80"}, {"job": "docker", "instance": "10.0.0.7:80"}]

    known = found(Catch({"http_requests_total": rows, "up": rows}), "pay")

    assert known.sources[ServiceName("pay"), Signal.REPLICAS].label == "instance"


@pytest.mark.parametrize("job", ["docker", "scrape-7"])
def test_a_thing_in_the_job_of_the_only_service_with_requests_is_not_that_service(job: str) -> None:
    web = {"job": job, "instance": "10.0.0.9:80", "container": "shop-web-1", "service": "web"}
    exporter = {"job": job, "instance": "10.0.0.7:9121", "service": "redis-exporter"}
    rows = {"http_requests_total": [web], "redis_up": [exporter], "up": [web, exporter]}
    running = [
        Instances(service=ServiceName(name), aliases=aliases)
        for name, aliases in (("web", ()), ("redis", ()), ("redis-exporter", ("10.0.0.7",)))
    ]

    known = signal_map(Catch(rows), usual_recipes(), Names.of(running, {}))

    assert metric(known, Signal.REPLICAS, "redis") == "redis_up"
    assert metric(known, Signal.REPLICAS, "web") == "up"


def test_a_mesh_s_own_clusters_are_no_services() -> None:
    rows = [{"envoy_cluster_name": one} for one in ("xds-grpc", "inbound|80||", "orders")]

    assert found(Catch({"envoy_cluster_upstream_rq_total": rows})).names.services == ("orders",)
