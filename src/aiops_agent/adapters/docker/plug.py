"""Docker's lines in the registry: a source of what runs, and a platform to act on."""

from collections.abc import Mapping
from pathlib import Path

from aiops_agent.actions.restart import RESTART, RestartBounds
from aiops_agent.adapters.docker.changes import DockerChanges
from aiops_agent.adapters.docker.client import DockerClient
from aiops_agent.adapters.docker.containers import Containers
from aiops_agent.adapters.docker.logs import DockerLogs
from aiops_agent.adapters.docker.platform import DockerPlatform
from aiops_agent.adapters.docker.topology import DockerTopology
from aiops_agent.adapters.docker.workloads import DockerWorkloads
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.value import Value
from aiops_agent.ports.plug import Connection, Port, Surroundings, Vendor
from aiops_agent.ports.spellings import LocalPath
from aiops_agent.ports.telemetry import Topology

NAME = "docker"


class DockerSettings(Value):
    """Where containers are read and changed; no `project` means every container."""

    socket: LocalPath = Path("/var/run/docker.sock")
    project: str = ""

    @property
    def environment(self) -> str:
        """How an environment is called that nobody named."""
        return self.project or "local"


def _connect(section: DockerSettings, _: Surroundings) -> Connection:
    containers = Containers(DockerClient(socket=section.socket), section.project)
    roster = DockerTopology(containers)

    async def check() -> Checkup:
        try:
            words, health, remedy = await containers.describe(), Health.OK, ""
        except SourceError as error:
            words, health = str(error), Health.PROBLEM
            remedy = "is sources.docker.socket readable?"
        return Checkup(group="platform", name=NAME, health=health, words=words, remedy=remedy)

    return Connection(
        check=check,
        logs=DockerLogs(containers),
        changes=DockerChanges(containers),
        topology=roster,
        workloads=DockerWorkloads(containers),
        roster=roster,
        handle=containers,
    )


def platform(
    connection: Connection, topology: Topology, bounds: Mapping[ActionKind, Value]
) -> DockerPlatform:
    """Open the platform of a connected Docker."""
    assert isinstance(connection.handle, Containers)
    restart = bounds.get(RESTART.kind)
    grace = restart.grace if isinstance(restart, RestartBounds) else RestartBounds().grace
    return DockerPlatform(connection.handle, topology, grace)


SOURCE = Vendor(
    name=NAME,
    group="platform",
    settings=DockerSettings,
    ports=frozenset({Port.LOGS, Port.CHANGES, Port.TOPOLOGY, Port.WORKLOADS}),
    connect=_connect,
)
