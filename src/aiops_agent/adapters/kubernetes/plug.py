"""Kubernetes' lines in the registry: a source of what runs in a cluster, and a platform."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, model_validator

from aiops_agent.adapters.kubernetes.changes import KubernetesChanges
from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.config_versions import ConfigVersions
from aiops_agent.adapters.kubernetes.follow import ClusterWatch
from aiops_agent.adapters.kubernetes.logs import KubernetesLogs
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.patch_files import KubernetesPatchFiles
from aiops_agent.adapters.kubernetes.platform import KubernetesPlatform
from aiops_agent.adapters.kubernetes.rights import judged
from aiops_agent.adapters.kubernetes.sickness import KubernetesTroubles
from aiops_agent.adapters.kubernetes.signals import KubernetesSignals
from aiops_agent.adapters.kubernetes.topology import KubernetesTopology
from aiops_agent.adapters.kubernetes.workloads import KubernetesWorkloads
from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.value import Json, Value
from aiops_agent.ports.plug import Connection, Port, Surroundings, Vendor
from aiops_agent.ports.release import Releases
from aiops_agent.ports.spellings import LocalPath, Seconds
from aiops_agent.ports.telemetry import Clock, Topology, Vitals

NAME = "kubernetes"
NEEDS = (("lightkube", NAME),)
USUAL = Path("~/.kube/config")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123, as a namespace is named

Namespace = Annotated[str, Field(pattern=rf"^{_LABEL}\z")]
ObjectName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\z")]


class KubernetesSettings(Value):
    """Which cluster is read, as whom, and which namespaces of it; none named: all that we may.

    Without `kubeconfig` the environment says where it is (KUBECONFIG); in a pod we are its service
    account, elsewhere ~/.kube/config holds it. Without `context` the current one is meant.
    `executor_token` is a file with the token of the account that changes workloads; without it that
    is the one that reads them. `config_maps` are those whose content may be read, and changed by
    `set_config` where an account may.
    """

    kubeconfig: LocalPath | None = None
    context: str = ""
    namespaces: tuple[Namespace, ...] = ()
    executor_token: LocalPath | None = None
    config_maps: Annotated[tuple[ObjectName, ...], Field(max_length=50)] = ()
    timeout: Seconds = 10.0

    @model_validator(mode="before")
    @classmethod
    def _ambient(cls, data: Json, info: ValidationInfo) -> Json:
        if not isinstance(data, dict) or "kubeconfig" in data:
            return data
        return {**ambient(info.context or {}), **data}

    @property
    def environment(self) -> str:
        """How an environment is called that nobody named."""
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", self.context).strip("-_.")[:63] or "cluster"


def ambient(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the environment says of the cluster, as keys of the section.

    Of several files in KUBECONFIG the first that exists is read.
    """
    named = [one for one in environ.get("KUBECONFIG", "").split(os.pathsep) if one]
    if named:
        return {"kubeconfig": next((one for one in named if Path(one).exists()), named[0])}
    return {} if environ.get("KUBERNETES_SERVICE_HOST") else {"kubeconfig": str(USUAL)}


@dataclass(frozen=True)
class KubeHands:
    """What a platform is opened on: who reads and who changes, and where."""

    writes: Writes
    clock: Clock
    namespaces: tuple[str, ...]
    config_maps: tuple[str, ...] = ()


async def checkup(client: KubeClient) -> Checkup:
    """Return how the cluster is reached, and its version."""
    try:
        about = await client.get("/version")
        version = about.get("gitVersion") if isinstance(about, dict) else None
        words, health = f"{version or 'Kubernetes'} at {await client.server()}", Health.OK
    except SourceError as error:
        words, health = str(error), Health.PROBLEM
    return Checkup(group="platform", name=NAME, health=health, words=words)


def _connect(section: KubernetesSettings, around: Surroundings) -> Connection:
    within = timedelta(seconds=section.timeout)
    client = KubeClient(section.kubeconfig, section.context, within)
    watch = ClusterWatch(client, section.namespaces)
    versions = ConfigVersions(section.config_maps)
    cluster = Cluster(client, around.clock, section.namespaces, watch, versions=versions)
    roster, logs = KubernetesTopology(cluster), KubernetesLogs(cluster)

    async def check() -> Checkup:
        found, allowed = await checkup(client), section.config_maps
        acts = around.sends or (token is not None and token.is_file())
        return await judged(found, hands.writes, hands.namespaces, allowed, acts=acts)

    writer, token = client, section.executor_token
    if token:
        writer = KubeClient(section.kubeconfig, section.context, within, token=token)
    hands = KubeHands(Writes(client, writer), around.clock, section.namespaces, section.config_maps)
    return Connection(
        check=check,
        logs=logs,
        changes=KubernetesChanges(cluster),
        topology=roster,
        workloads=KubernetesWorkloads(cluster),
        troubles=KubernetesTroubles(cluster, logs),
        beside=KubernetesSignals(cluster),
        keep=watch.keep,
        roster=roster,
        patches=KubernetesPatchFiles(hands.writes, around.clock.now, section.namespaces),
        handle=hands,
    )


def platform(
    connection: Connection,
    topology: Topology,
    bounds: Mapping[ActionKind, Value],  # noqa: ARG001 -- the seat's: how pods end is the cluster's
    vitals: Vitals | None = None,  # noqa: ARG001 -- the seat's: a template replaces every pod
    releases: Releases | None = None,
) -> KubernetesPlatform:
    """Open the platform of a connected cluster."""
    assert isinstance(connection.handle, KubeHands)
    hands = connection.handle
    return KubernetesPlatform(
        hands.writes, hands.clock.now, topology, releases, hands.namespaces, hands.config_maps
    )


SOURCE = Vendor(
    name=NAME,
    group="platform",
    settings=KubernetesSettings,
    ports=frozenset({Port.LOGS, Port.CHANGES, Port.TOPOLOGY, Port.WORKLOADS}),
    connect=_connect,
    needs=NEEDS,
)
