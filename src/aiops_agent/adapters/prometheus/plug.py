"""Prometheus' line in the registry: signals, alerting rules, and what they tell of calls."""

from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import TypeVar

from aiops_agent.adapters.prometheus.access import Access, PrometheusSettings
from aiops_agent.adapters.prometheus.client import PrometheusClient, ScrapeTarget
from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.episodes import PrometheusFirings
from aiops_agent.adapters.prometheus.past import PastClient, PastRules
from aiops_agent.adapters.prometheus.query import Aggregate, Select
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
from aiops_agent.ports.telemetry import Clock

NAME = "prometheus"
T = TypeVar("T")
_SAME = timedelta(minutes=5)  # of the past, within which the same series are taken to be there


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
        history=lambda meter: PrometheusFirings(PastClient.of(client, None, meter)),
        past=lambda clock, meter: _past(PastClient.of(client, clock, meter), around, clock),
    )


def _past(client: PastClient, around: Surroundings, clock: Clock) -> Connection:
    """Return it as of the clock's moment. What runs now names no service of then."""
    discovery = Discovery(client, clock, around.declared, refresh=_SAME)
    return Connection(
        check=lambda: _check(client),
        metrics=PrometheusMetrics(client, discovery),
        rules=PastRules(client),
        topology=PrometheusTopology(discovery, around.declared),
    )


async def _check(client: PrometheusClient) -> Checkup:
    remedy = ""
    try:
        # What must answer is the query; the rest is optional in what only speaks like Prometheus.
        await client.instant(Aggregate("count", Select("up")))
        words, down = await _described(client)
        rules = await _tried(client.rules(), ())
        health = Health.OK if rules and not down and not client.warnings else Health.NOTE
        words += f", {len(rules)} alerting rules" if rules else _NO_RULES
        words += "".join(f"; it warns: {warning}" for warning in client.warnings)
        words += f"; down: {'; '.join(down[:_MOST_DOWN])}" if down else ""
    except SourceError as error:
        words, health = str(error), Health.PROBLEM
        remedy = "is sources.prometheus.url right?"
    return Checkup(group="metrics", name=NAME, health=health, words=words, remedy=remedy)


async def _described(client: PrometheusClient) -> tuple[str, list[str]]:
    """Return a line of version, targets, how often they are scraped; and which are down, why."""
    version = await _tried(client.version(), "unknown version")
    targets = await _tried(client.targets(), ())
    every = sorted({one.interval.total_seconds() for one in targets if one.interval})
    scrape = f", {'/'.join(f'{seconds:g}' for seconds in every)} s scrape" if every else ""
    up = sum(target.up for target in targets)
    scraped = f"{up} of {len(targets)} targets up{scrape}" if targets else "tells no targets"
    down = [_named(target) for target in targets if not target.up]
    return f"prometheus {client.url} ({version}), {scraped}", down


def _named(target: ScrapeTarget) -> str:
    job, instance = target.labels.get("job", "?"), target.labels.get("instance", "?")
    return f"{job} {instance}" + (f" ({target.error[:_LONGEST_ERROR]})" if target.error else "")


async def _tried(asked: Awaitable[T], otherwise: T) -> T:
    try:
        return await asked
    except SourceError:
        return otherwise


_MOST_DOWN, _LONGEST_ERROR = 5, 120  # targets; characters
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
        + tuple(
            SignalSource(signal=signal, why=why)
            for (whose, signal), why in found.unseen.items()
            if whose == service
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
