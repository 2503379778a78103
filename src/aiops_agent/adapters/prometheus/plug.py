"""Prometheus' line in the registry: signals, alerting rules, and what they tell of calls."""

from collections.abc import Mapping
from datetime import timedelta

from aiops_agent.adapters.prometheus.access import Access, PrometheusSettings
from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.rules import PrometheusRules
from aiops_agent.adapters.prometheus.signals import question
from aiops_agent.adapters.prometheus.telemetry import PrometheusMetrics
from aiops_agent.adapters.prometheus.topology import PrometheusTopology
from aiops_agent.adapters.prometheus.vitals import PrometheusVitals
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.survey import SignalSource
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.ports.plug import Connection, Port, Surroundings, Vendor

NAME = "prometheus"


def _connect(section: PrometheusSettings, around: Surroundings) -> Connection:
    client = PrometheusClient(section.url, section.timeout, Access.of(section))
    discovery = Discovery(client, around.clock, around.declared, roster=around.roster)
    return Connection(
        check=lambda: _check(client),
        metrics=PrometheusMetrics(client, discovery),
        rules=PrometheusRules(client),
        topology=PrometheusTopology(discovery, around.declared, base=around.topology),
        vitals=PrometheusVitals(client, discovery),
        signals=lambda: _signals(discovery),
    )


async def _check(client: PrometheusClient) -> Checkup:
    remedy = ""
    try:
        words, rules = await client.describe(), await client.rules()
        health = Health.OK if rules else Health.NOTE
        words += f", {len(rules)} alerting rules" if rules else _NO_RULES
    except SourceError as error:
        words, health = str(error), Health.PROBLEM
        remedy = "is sources.prometheus.url right?"
    return Checkup(group="metrics", name=NAME, health=health, words=words, remedy=remedy)


_NO_RULES = "; no alerting rules: who would call us?"


async def _signals(discovery: Discovery) -> Mapping[ServiceName, tuple[SignalSource, ...]]:
    found = await discovery.signals()
    return {
        service: tuple(
            SignalSource(
                signal=one.signal,
                recipe=one.recipe,
                query=question([one], timedelta(0)).expression.render(),
            )
            for one in found.of(service)
        )
        for service in found.names.services
    }


SOURCE = Vendor(
    name=NAME,
    group="metrics",
    settings=PrometheusSettings,
    ports=frozenset({Port.METRICS, Port.RULES, Port.TOPOLOGY}),
    connect=_connect,
)
