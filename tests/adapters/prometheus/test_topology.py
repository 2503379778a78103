"""Who calls whom is joined from what runs, what was seen and what was declared."""

from dataclasses import dataclass

import httpx2
import pytest

from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.plug import _signals
from aiops_agent.adapters.prometheus.topology import PrometheusTopology, joined
from aiops_agent.domain.declaration import Declaration
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.survey import Instances, ServiceSurvey
from aiops_agent.domain.telemetry import (
    Objective,
    Service,
    ServiceGraph,
    ServiceKind,
    ServiceName,
    Signal,
)

from .fake_prometheus import FakePrometheus, FixedClock

PAY, CART, BANK = ServiceName("pay"), ServiceName("cart"), ServiceName("bank")
BASE = ServiceGraph(services=(Service(name=PAY, replicas=2), Service(name=CART)))


@dataclass(frozen=True)
class Base:
    """A topology that is known."""

    async def graph(self) -> ServiceGraph:
        return BASE

    async def instances(self) -> tuple[Instances, ...]:
        return (Instances(service=PAY), Instances(service=CART))


def down(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused")


def test_a_callee_that_nobody_runs_is_external() -> None:
    graph = joined(BASE, (), [(CART, PAY), (PAY, BANK)], {})

    bank = graph.service(BANK)
    assert bank is not None
    assert bank.kind is ServiceKind.EXTERNAL
    assert graph.callers(PAY) == (CART,)


def test_what_is_declared_wins_and_adds() -> None:
    declared = {
        PAY: Declaration(
            owner="money",
            calls=(CART,),
            objective=Objective(latency=0.3),
            kind=ServiceKind.DATABASE,
        )
    }

    graph = joined(BASE, (), (), declared)

    pay = graph.service(PAY)
    assert pay is not None
    assert pay.objective is not None
    assert (pay.owner, pay.objective.latency, pay.replicas) == ("money", 0.3, 2)
    assert pay.kind is ServiceKind.DATABASE
    assert graph.callees(PAY) == (CART,)


async def test_without_prometheus_the_base_is_still_known() -> None:
    client = PrometheusClient(url="http://prom.test", transport=httpx2.MockTransport(down))
    discovery = Discovery(client, FixedClock())

    assert (await PrometheusTopology(discovery, base=Base()).graph()).names == (PAY, CART)
    with pytest.raises(SourceError):
        await PrometheusTopology(discovery).graph()


async def test_the_survey_says_what_was_found_and_what_is_missing() -> None:
    series = [
        {"__name__": "http_request_duration_seconds_bucket", "service": "pay"},
        {"__name__": "traces_service_graph_request_total", "client": "cart", "server": "pay"},
    ]
    discovery = Discovery(FakePrometheus(series).client, FixedClock(), roster=Base())
    found, graph = await _signals(discovery), await PrometheusTopology(discovery).graph()

    pay, cart = (
        ServiceSurvey.joined(graph, service, found.get(service.name, ()), "docker")
        for service in graph.services
    )

    assert (pay.signals[0].signal, pay.signals[0].recipe) == (Signal.LATENCY, "http")
    assert pay.callers == (CART,)
    assert "saturation" in pay.missing
    assert (pay.blind, cart.blind) == (False, True)
    assert pay.logs == "docker"
