"""The recipes that come with the package know the usual names, and only those."""

import re

import pytest

from aiops_agent.adapters.prometheus.recipe import WITH_WHOLE, How, Recipe, Rule, usual_recipes
from aiops_agent.domain.telemetry import Signal

KNOWN = [
    ("http_request_duration_seconds_bucket", Signal.LATENCY),
    ("http_requests_total", Signal.TRAFFIC),
    ("http_server_request_duration_seconds_bucket", Signal.LATENCY),
    ("http_server_requests_seconds_bucket", Signal.LATENCY),  # Spring
    ("http_server_requests_seconds_count", Signal.TRAFFIC),
    ("myapp_http_request_duration_milliseconds_bucket", Signal.LATENCY),
    ("grpc_server_handling_seconds_bucket", Signal.LATENCY),
    ("grpc_server_handled_total", Signal.TRAFFIC),
    ("istio_requests_total", Signal.ERRORS),
    ("istio_request_duration_milliseconds_bucket", Signal.LATENCY),
    ("envoy_cluster_upstream_rq_time_bucket", Signal.LATENCY),
    ("traces_service_graph_request_server_seconds_bucket", Signal.LATENCY),
    ("container_cpu_usage_seconds_total", Signal.SATURATION),
    ("container_memory_working_set_bytes", Signal.MEMORY),
    ("docker_container_cpu_usage_percent", Signal.SATURATION),
    ("hikaricp_connections_active", Signal.POOL),
    ("redis_keyspace_hits_total", Signal.CACHE_HITS),
    ("rabbitmq_queue_messages_ready", Signal.QUEUE),
    ("up", Signal.REPLICAS),
]
OTHERS = [
    "promhttp_metric_handler_requests_total",
    "http_client_request_duration_seconds_bucket",
    "http_request_size_bytes_bucket",
    "go_gc_duration_seconds_count",
    "aiops_http_requests_total",
]
RULES = [(recipe, rule) for recipe in usual_recipes() for rule in recipe.signals]


def signals_of(metric: str) -> set[Signal]:
    return {rule.signal for _, rule in RULES if rule.fits(metric)}


@pytest.mark.parametrize(("metric", "signal"), KNOWN)
def test_a_usual_name_gives_its_signal(metric: str, signal: Signal) -> None:
    assert signal in signals_of(metric)


@pytest.mark.parametrize("metric", OTHERS)
def test_what_is_not_served_requests_gives_nothing(metric: str) -> None:
    assert not signals_of(metric)


def test_units_are_read_from_the_name() -> None:
    rule = next(r for _, r in RULES if r.fits("app_http_request_duration_ms_bucket"))

    assert rule.factor("app_http_request_duration_ms_bucket") == 1e-3
    assert rule.factor("app_http_request_duration_seconds_bucket") == 1.0


@pytest.mark.parametrize(("recipe", "rule"), RULES)
def test_every_rule_can_be_used(recipe: Recipe, rule: Rule) -> None:
    for pattern in (rule.metric, rule.unless, rule.bad, rule.good, *rule.where.values()):
        re.compile(pattern)
    judged = bool(rule.bad) != bool(rule.good)
    assert judged == bool(rule.status) == (rule.how is How.BAD_SHARE)
    assert bool(rule.whole) == (rule.how in WITH_WHOLE)


def test_every_recipe_has_a_name_of_its_own() -> None:
    recipes = usual_recipes()

    assert len({one.name for one in recipes}) == len(recipes)


def test_what_the_thing_says_of_itself_goes_before_what_its_exporter_says() -> None:
    ranks = {one.name: one.rank for one in usual_recipes()}

    assert max(ranks, key=lambda name: ranks[name]) == "scraped"
    assert ranks["redis"] < ranks["http"] < ranks["envoy"] < ranks["scraped"]
