"""What every source of rules, workloads and spans keeps, the absent ones too."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aiops_agent.adapters.docker.workloads import DockerWorkloads
from aiops_agent.adapters.kubernetes.workloads import KubernetesWorkloads
from aiops_agent.adapters.off import Absent
from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.rules import PrometheusRules
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import RuleState, ServiceName, Window
from aiops_agent.ports.plug import Port
from aiops_agent.ports.telemetry import Rules, Spans, Workloads
from aiops_agent.registry import REGISTRY
from aiops_agent.simulator.inventory import ShopSpans
from aiops_agent.simulator.plug import create_shop
from tests.adapters.docker.fake_engine import NOW, FakeEngine
from tests.adapters.kubernetes.fake_cluster import FakeCluster
from tests.adapters.prometheus.fake_prometheus import FixedClock

PAY = ServiceName("payments-api")
WINDOW = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC))
LISTED = {
    "name": "HighLatency",
    "query": "p95 > 0.4",
    "duration": 60,
    "state": "firing",
    "labels": {"severity": "warning"},
}


def _prometheus(request: httpx2.Request) -> httpx2.Response:
    if request.url.path == "/api/v1/rules":
        data: Any = {"groups": [{"name": "slo", "rules": [LISTED]}]}
    else:
        assert b"p95" in request.content
        sample = {"metric": {"service": PAY}, "value": [1, "0.9"]}
        data = {"resultType": "vector", "result": [sample]}
    return httpx2.Response(200, json={"status": "success", "data": data})


def prometheus(_: Path) -> Rules:
    client = PrometheusClient(url="http://p.test", transport=httpx2.MockTransport(_prometheus))
    return PrometheusRules(client)


def shop_rules(folder: Path) -> Rules:
    return create_shop(folder / "shop", "traffic-surge", 1).environment.rules


@pytest.fixture(params=[prometheus, shop_rules])
def rules(request: pytest.FixtureRequest, tmp_path: Path) -> Rules:
    found: Rules = request.param(tmp_path)
    return found


async def test_a_rule_says_its_state_and_how_long_it_must_hold(rules: Rules) -> None:
    fires = [rule for rule in await rules.rules() if rule.state is RuleState.FIRING]

    assert "HighLatency" in {rule.name for rule in fires}
    assert {rule.hold for rule in fires} == {timedelta(minutes=1)}


async def test_a_firing_rule_evaluates_to_the_series_that_hold(rules: Rules) -> None:
    rule = next(rule for rule in await rules.rules() if rule.state is RuleState.FIRING)

    (reading,) = await rules.evaluate(rule)

    assert reading.labels["service"]
    assert reading.value is not None
    assert reading.value > 0


async def test_an_expression_that_the_source_does_not_list_is_not_evaluated(rules: Rules) -> None:
    rule = (await rules.rules())[0].model_copy(update={"expression": "up == 0"})

    with pytest.raises(SourceError, match="has no rule"):
        await rules.evaluate(rule)


def docker(_: Path) -> Workloads:
    engine = FakeEngine()
    engine.add("payments-api", 1)
    engine.add("cart", 1)
    return DockerWorkloads(engine.platform.containers, FixedClock(NOW))


def kubernetes(_: Path) -> Workloads:
    one = FakeCluster()
    for name in ("payments-api", "cart"):
        one.deployment(name)
        one.pod(name)
    return KubernetesWorkloads(one.cluster)


def shop_workloads(folder: Path) -> Workloads:
    return create_shop(folder / "shop", "traffic-surge", 1).environment.workloads


@pytest.fixture(params=[docker, kubernetes, shop_workloads])
def workloads(request: pytest.FixtureRequest, tmp_path: Path) -> Workloads:
    found: Workloads = request.param(tmp_path)
    return found


async def test_workloads_are_those_of_the_services_asked_for(workloads: Workloads) -> None:
    found = await workloads.workloads([PAY])

    assert found
    assert {one.service for one in found} == {PAY}
    assert {one.state for one in found} == {"running"}
    assert all(one.exit_code is None and one.image for one in found)
    assert await workloads.workloads([]) == ()


async def test_docker_tells_limits_restarts_and_why_a_container_ended() -> None:
    engine = FakeEngine()
    engine.add("payments-api", 1)
    (raw,) = engine.containers.values()
    raw["State"] |= {"Running": False, "Status": "exited", "ExitCode": 137, "OOMKilled": True}
    raw["RestartCount"] = 3

    (one,) = await DockerWorkloads(engine.platform.containers, FixedClock(NOW)).workloads([PAY])

    assert (one.state, one.exit_code, one.reason) == ("exited", 137, "OOMKilled")
    assert (one.restarts, one.memory_limit) == (3, 2**27)


async def test_docker_tells_why_a_container_is_not_wanted_any_more() -> None:
    engine = FakeEngine()
    for number in (1, 2, 3):
        engine.add("payments-api", number)
    asked, done, failed = engine.containers.values()
    over = {"Running": False, "Status": "exited", "FinishedAt": "2026-03-01T12:00:00Z"}
    asked["State"] |= over | {"ExitCode": 143}
    done["State"] |= over | {"ExitCode": 0}
    failed["State"] |= over | {"ExitCode": 143}
    engine.tell("stop", asked["Id"], **asked["Config"]["Labels"])

    found = await DockerWorkloads(engine.platform.containers, FixedClock(NOW)).workloads([PAY])

    assert [(one.wanted, one.reason) for one in found] == [
        (False, "stopped on request"),
        (False, ""),
        (True, ""),
    ]


async def test_docker_tells_health_and_that_memory_ran_out_before_the_last_start() -> None:
    engine = FakeEngine()
    raw = engine.add("payments-api", 1)
    log = [{"Output": "fine"}, {"Output": "connection refused\n"}]
    raw["State"]["Health"] = {"Status": "unhealthy", "Log": log}
    engine.now -= timedelta(minutes=5)
    engine.tell("oom", raw["Id"], **raw["Config"]["Labels"])

    (one,) = await DockerWorkloads(engine.platform.containers, FixedClock(NOW)).workloads([PAY])

    assert (one.health, one.probe) == ("unhealthy", "connection refused")
    assert (one.reason, one.exit_code) == ("OOMKilled", None)


async def test_docker_tells_what_a_container_uses() -> None:
    engine = FakeEngine()
    raw = engine.add("payments-api", 1)

    def cpu(used: int, machine: int) -> dict[str, Any]:
        total = {"total_usage": used}
        return {"cpu_usage": total, "system_cpu_usage": machine, "online_cpus": 2}

    memory = {"usage": 100, "limit": 8 * 2**30, "stats": {"inactive_file": 30}}
    engine.stats[raw["Id"]] = {
        "cpu_stats": cpu(1_500, 12_000),
        "precpu_stats": cpu(1_000, 10_000),
        "memory_stats": memory,
    }

    (one,) = await DockerWorkloads(engine.platform.containers, FixedClock(NOW)).workloads([PAY])

    assert (one.cpu_used, one.memory_used) == (0.5, 70)


@pytest.mark.parametrize("spans", [ShopSpans(), Absent("No source of spans is configured.")])
async def test_spans_that_nobody_knows_are_an_error_and_not_an_empty_answer(spans: Spans) -> None:
    with pytest.raises(SourceError, match="spans"):
        await spans.spans([PAY], WINDOW)


@pytest.mark.parametrize("port", Port)
def test_an_absent_port_says_what_to_configure(port: Port) -> None:
    offered = [one.name for one in REGISTRY.sources if port in one.ports]

    assert all(f"sources.{name}" in REGISTRY.offering(port) for name in offered)
    assert REGISTRY.offering(port)
