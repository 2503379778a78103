"""Builds the configured real environment: Prometheus for the eyes, Docker for the hands."""

from dataclasses import dataclass
from functools import cached_property

from aiops_agent.actions.restart import RESTART
from aiops_agent.adapters.clock import WallClock
from aiops_agent.adapters.docker.changes import DockerChanges
from aiops_agent.adapters.docker.client import DockerClient
from aiops_agent.adapters.docker.containers import Containers
from aiops_agent.adapters.docker.logs import DockerLogs
from aiops_agent.adapters.docker.platform import DockerPlatform
from aiops_agent.adapters.docker.topology import DockerTopology
from aiops_agent.adapters.off import NoChanges, NoLogs, NoMetrics, NoPlatform
from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.survey import service_surveys
from aiops_agent.adapters.prometheus.telemetry import PrometheusMetrics
from aiops_agent.adapters.prometheus.topology import PrometheusTopology
from aiops_agent.bootstrap.places import Place
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.declaration import Declaration
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.survey import ServiceSurvey
from aiops_agent.domain.telemetry import ServiceGraph, ServiceName
from aiops_agent.ports.telemetry import Environment, Topology
from aiops_agent.settings.sections import Settings


@dataclass(frozen=True)
class NoTopology:
    """The Topology port of an environment in which nobody knows the services."""

    async def graph(self) -> ServiceGraph:
        """Return no services."""
        return ServiceGraph(services=())


@dataclass
class Real:
    """The one real environment of a configuration, its parts built when they are first needed."""

    settings: Settings

    def place(self, name: EnvironmentRef) -> Place | None:
        """Return the configured environment, or None when it has another name or no sources."""
        sources = self.settings.sources
        if name != self.settings.environment or not (sources.docker or sources.prometheus):
            return None
        running = self.containers
        environment = Environment(
            ref=name,
            metrics=self._metrics,
            logs=DockerLogs(running) if running else NoLogs(),
            changes=DockerChanges(running) if running else NoChanges(),
            topology=self.topology,
            clock=WallClock(),
        )
        if running is None:
            return Place(environment, NoPlatform())
        grace = self.settings.actions.section(RESTART).grace
        return Place(environment, DockerPlatform(running, self.topology, grace))

    async def survey(self) -> tuple[ServiceSurvey, ...]:
        """Return what can be seen of each service; raises SourceError when nothing answers."""
        found = None
        if self.discovery is not None:
            found = await self.discovery.signals()
        graph = await self.topology.graph()
        instances = await self.roster.instances() if self.roster else ()
        return service_surveys(found, graph, instances, "docker")

    async def doctor(self) -> tuple[Checkup, ...]:
        """Look at each configured source, and at what is seen of each service."""
        return (await self._prometheus_checkup(), await self._docker_checkup(), *await self._seen())

    @property
    def declared(self) -> dict[ServiceName, Declaration]:
        """What people declared of their services."""
        return {**self.settings.services}

    @cached_property
    def containers(self) -> Containers | None:
        """The containers of the project, if Docker is configured."""
        docker = self.settings.sources.docker
        return Containers(DockerClient(socket=docker.socket), docker.project) if docker else None

    @cached_property
    def roster(self) -> DockerTopology | None:
        """What runs under which names, if Docker is configured."""
        return DockerTopology(self.containers) if self.containers else None

    @cached_property
    def client(self) -> PrometheusClient | None:
        """Prometheus, if it is configured."""
        source = self.settings.sources.prometheus
        if source is None:
            return None
        return PrometheusClient(
            url=source.url, timeout=source.timeout, token_file=source.token_file
        )

    @cached_property
    def discovery(self) -> Discovery | None:
        """Where signals come from, if Prometheus is configured."""
        if self.client is None:
            return None
        return Discovery(self.client, WallClock(), self.declared, roster=self.roster)

    @cached_property
    def topology(self) -> Topology:
        """Which services there are, from all that is configured."""
        base: Topology = self.roster or NoTopology()
        if self.discovery is None:
            return base
        return PrometheusTopology(self.discovery, self.declared, base=base)

    @cached_property
    def _metrics(self) -> PrometheusMetrics | NoMetrics:
        if self.client is None or self.discovery is None:
            return NoMetrics()
        return PrometheusMetrics(self.client, self.discovery)

    async def _prometheus_checkup(self) -> Checkup:
        if self.client is None:
            return _off("metrics", "prometheus", "sources.prometheus")
        try:
            words, rules = await self.client.describe(), await self.client.rules()
        except SourceError as error:
            return _sick("metrics", "prometheus", str(error), "is sources.prometheus.url right?")
        if not rules:
            note = f"{words}; no alerting rules: who would call us?"
            return Checkup(group="metrics", name="prometheus", health=Health.NOTE, words=note)
        return _well("metrics", "prometheus", f"{words}, {len(rules)} alerting rules")

    async def _docker_checkup(self) -> Checkup:
        if self.containers is None:
            return _off("platform", "docker", "sources.docker")
        try:
            return _well("platform", "docker", await self.containers.describe())
        except SourceError as error:
            return _sick("platform", "docker", str(error), "is sources.docker.socket readable?")

    async def _seen(self) -> tuple[Checkup, ...]:
        try:
            found = await self.survey()
        except SourceError:
            return ()
        return tuple(_service_checkup(one) for one in found)


def _service_checkup(one: ServiceSurvey) -> Checkup:
    if one.blind:
        words = "neither latency nor errors are seen: no fix of it could be verified"
        remedy = f"aiops services; then services.{one.service}.signals in aiops.yaml"
        return Checkup(
            group="services", name=one.service, health=Health.NOTE, words=words, remedy=remedy
        )
    seen = ", ".join(sorted({source.signal for source in one.signals}))
    missing = f"; missing: {', '.join(one.missing)}" if one.missing else ""
    return _well("services", one.service, f"{seen}{missing}")


def _well(group: str, name: str, words: str) -> Checkup:
    return Checkup(group=group, name=name, health=Health.OK, words=words)


def _sick(group: str, name: str, words: str, remedy: str) -> Checkup:
    return Checkup(group=group, name=name, health=Health.PROBLEM, words=words, remedy=remedy)


def _off(group: str, name: str, setting: str) -> Checkup:
    words = f"not configured ({setting})"
    return Checkup(group=group, name=name, health=Health.OFF, words=words)
