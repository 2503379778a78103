"""Looks at a cluster before anything is configured."""

from datetime import timedelta

from aiops_agent.adapters.clock import WallClock
from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.plug import NAME, KubernetesSettings
from aiops_agent.adapters.kubernetes.starting import start_of
from aiops_agent.domain.cluster_start import ClusterStart
from aiops_agent.domain.errors import SettingsError
from aiops_agent.settings.sections import BaseSettings


async def cluster_start(settings: BaseSettings) -> ClusterStart:
    """Return what is found in the cluster of `sources.kubernetes`; raises SourceError."""
    section = settings.sources.section(NAME)
    if not isinstance(section, KubernetesSettings):
        raise SettingsError("Several environments are configured: there is nothing to begin.")
    within = timedelta(seconds=section.timeout)
    client = KubeClient(section.kubeconfig, section.context, within)
    try:
        state = await Cluster(client, WallClock(), section.namespaces).state()
        return start_of(state, await client.server(), section.namespaces)
    finally:
        await client.close()
