"""The Troubles port of a cluster: its findings, with the last words of what ended."""

from dataclasses import dataclass, field

from aiops_agent.adapters.kubernetes.findings import troubles
from aiops_agent.adapters.kubernetes.logs import KubernetesLogs
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.pods import pod_ill
from aiops_agent.adapters.kubernetes.state import ClusterState, Key
from aiops_agent.domain.trouble import PlatformTrouble

MOST_HEARD = 12  # containers whose last lines are asked for, a request each
MOST_REMEMBERED = 1000  # of which they are not asked for again
_Run = tuple[str, str, str]  # the uid of a pod, a container, when that ended


@dataclass(frozen=True)
class KubernetesTroubles:
    """What the cluster says is wrong, the worst first."""

    cluster: Cluster
    logs: KubernetesLogs
    _words: dict[_Run, str] = field(default_factory=dict, compare=False, repr=False)

    async def troubles(self) -> tuple[PlatformTrouble, ...]:
        """Return all that is wrong now. Raises SourceError."""
        state = await self.cluster.state()
        found = list(troubles(state))
        if len(self._words) > MOST_REMEMBERED:
            self._words.clear()
        heard = 0
        for place, one in enumerate(found):
            if (
                one.what == "Pod"
                and heard < MOST_HEARD
                and (words := await self._heard(state, one))
            ):
                found[place] = one.model_copy(update={"last_words": words})
                heard += 1
        return tuple(found)

    async def unreadable(self) -> tuple[str, ...]:
        """Return what may not be read, a sentence each. Raises SourceError."""
        state = await self.cluster.state()
        return tuple(dict.fromkeys(state.unreadable.values()))

    async def _heard(self, state: ClusterState, one: PlatformTrouble) -> str:
        pod = state.find(Key(one.what, one.namespace, one.name))
        ill = pod_ill(state, pod) if pod is not None else None
        if pod is None or ill is None or not ill.ended or not ill.container:
            return ""
        run = (pod.uid, ill.container, str(ill.since))
        if run not in self._words:
            self._words[run] = await self.logs.last_words(
                one.namespace, one.name, ill.container, previous=ill.previous
            )
        return self._words[run]
