"""Docker's lines in the registry: a source of what runs, and a platform to act on."""

from collections.abc import Mapping
from typing import Self

from pydantic import ValidationInfo, model_validator

from aiops_agent.actions.restart import RESTART, RestartBounds
from aiops_agent.adapters.docker.changes import DockerChanges
from aiops_agent.adapters.docker.client import DockerClient
from aiops_agent.adapters.docker.containers import INCIDENT, OPERATION, Containers
from aiops_agent.adapters.docker.endpoint import USUAL, Endpoint, ambient, from_host
from aiops_agent.adapters.docker.logs import DockerLogs
from aiops_agent.adapters.docker.platform import DockerPlatform
from aiops_agent.adapters.docker.topology import DockerTopology
from aiops_agent.adapters.docker.use import DockerUse, UseLog
from aiops_agent.adapters.docker.workloads import DockerWorkloads
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.text import shell
from aiops_agent.domain.value import Json, Value
from aiops_agent.ports.plug import Connection, Port, Surroundings, Vendor
from aiops_agent.ports.release import Releases
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


async def checkup(containers: Containers, section: DockerSettings) -> Checkup:
    """Return how the engine is, and which of the containers that we added are still there."""
    health, remedy = Health.OK, ""
    try:
        words = await containers.describe()
        listed = await containers.listed()
    except SourceError as error:
        words, health, listed = str(error), Health.PROBLEM, ()
        remedy = f"is sources.docker.{'host right' if section.host else 'socket readable'}?"
    if health is Health.OK and section.project and not listed:
        health = Health.PROBLEM
        words += f": no container belongs to the project {section.project}"
        remedy = "is sources.docker.project the name that 'docker compose ls' shows?"
    elif added := [one for one in listed if one.labels.get(OPERATION)]:
        told = [f"{one.name} ({one.labels.get(INCIDENT, 'unknown')})" for one in added]
        health = Health.NOTE
        words += f"; added by aiops and still there: {', '.join(told)}"
        gone = shell("docker", "rm", "-f", "-v", *(one.name for one in added))
        remedy = f"when they are not needed: {gone}"
    return Checkup(group="platform", name=NAME, health=health, words=words, remedy=remedy)


def _connect(section: DockerSettings, around: Surroundings) -> Connection:
    containers = Containers(DockerClient(section.endpoint), section.project)
    roster = DockerTopology(containers)

    async def check() -> Checkup:
        return await checkup(containers, section)

    log = UseLog()
    workloads = DockerWorkloads(containers, around.clock, log)
    return Connection(
        check=check,
        beside=DockerUse(log, workloads, around.clock),
        logs=DockerLogs(containers),
        changes=DockerChanges(containers),
        topology=roster,
        workloads=workloads,
        roster=roster,
        handle=containers,
    )


def platform(
    connection: Connection,
    topology: Topology,
    bounds: Mapping[ActionKind, Value],
    vitals: Vitals | None = None,
    releases: Releases | None = None,
) -> DockerPlatform:
    """Open the platform of a connected Docker."""
    assert isinstance(connection.handle, Containers)
    restart = bounds.get(RESTART.kind)
    grace = restart.grace if isinstance(restart, RestartBounds) else RestartBounds().grace
    return DockerPlatform(connection.handle, topology, grace, vitals, releases)


SOURCE = Vendor(
    name=NAME,
    group="platform",
    settings=DockerSettings,
    ports=frozenset({Port.LOGS, Port.CHANGES, Port.TOPOLOGY, Port.WORKLOADS}),
    connect=_connect,
)
