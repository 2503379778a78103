"""Docker's lines in the registry: a source of what runs, and a platform to act on."""

from collections.abc import Mapping
from typing import Self

from pydantic import ValidationInfo, model_validator

from aiops_agent.actions.restart import RESTART, RestartBounds
from aiops_agent.adapters.docker.changes import DockerChanges
from aiops_agent.adapters.docker.client import DockerClient
from aiops_agent.adapters.docker.containers import Containers
from aiops_agent.adapters.docker.endpoint import USUAL, Endpoint, ambient, from_host
from aiops_agent.adapters.docker.logs import DockerLogs
from aiops_agent.adapters.docker.platform import DockerPlatform
from aiops_agent.adapters.docker.topology import DockerTopology
from aiops_agent.adapters.docker.workloads import DockerWorkloads
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.value import Json, Value
from aiops_agent.ports.plug import Connection, Port, Surroundings, Vendor
from aiops_agent.ports.spellings import LocalPath
from aiops_agent.ports.telemetry import Topology, Vitals

NAME = "docker"


class DockerSettings(Value):
    """Where containers are read and changed; no `project` means every container.

    `host` (unix://, tcp://, https://) goes before `socket`. Without either in the file the
    environment says where: DOCKER_HOST and its certificates, else a rootless engine's socket.
    """

    socket: LocalPath = USUAL
    host: str = ""
    tls: bool = False
    certificates: LocalPath | None = None  # a folder with ca.pem, cert.pem, key.pem
    project: str = ""

    @model_validator(mode="before")
    @classmethod
    def _ambient(cls, data: Json, info: ValidationInfo) -> Json:
        if not isinstance(data, dict) or {"socket", "host"} & data.keys():
            return data
        return {**ambient(info.context or {}), **data}

    @model_validator(mode="after")
    def _known(self) -> Self:
        _ = self.endpoint
        return self

    @property
    def endpoint(self) -> Endpoint:
        """Where the engine listens."""
        if not self.host:
            return Endpoint(socket=self.socket)
        tls = self.tls or self.certificates is not None
        return from_host(self.host, tls=tls, certificates=self.certificates)

    @property
    def environment(self) -> str:
        """How an environment is called that nobody named."""
        return self.project or "local"


def _connect(section: DockerSettings, _: Surroundings) -> Connection:
    containers = Containers(DockerClient(section.endpoint), section.project)
    roster = DockerTopology(containers)

    async def check() -> Checkup:
        try:
            words, health, remedy = await containers.describe(), Health.OK, ""
        except SourceError as error:
            words, health = str(error), Health.PROBLEM
            remedy = f"is sources.docker.{'host right' if section.host else 'socket readable'}?"
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
    connection: Connection,
    topology: Topology,
    bounds: Mapping[ActionKind, Value],
    vitals: Vitals | None = None,
) -> DockerPlatform:
    """Open the platform of a connected Docker."""
    assert isinstance(connection.handle, Containers)
    restart = bounds.get(RESTART.kind)
    grace = restart.grace if isinstance(restart, RestartBounds) else RestartBounds().grace
    return DockerPlatform(connection.handle, topology, grace, vitals)


SOURCE = Vendor(
    name=NAME,
    group="platform",
    settings=DockerSettings,
    ports=frozenset({Port.LOGS, Port.CHANGES, Port.TOPOLOGY, Port.WORKLOADS}),
    connect=_connect,
)
